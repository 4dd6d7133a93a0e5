/** Admin consent that this app may not give: who is told what, and how the run goes on. */
import { expect, test } from '@jest/globals';
import type { EntityHandler } from 'durable-functions';
import { consentNeeded } from '../../src/domain/consent';
import type { Handoff } from '../../src/domain/handoff';
import type { Outcome } from '../../src/domain/outcome';
import type { DeploymentResult, SentryState } from '../../src/domain/states';
import { fakeWorld, inputFor } from '../support/fakeWorld';
import { type FakeClient, runOrchestrator } from '../support/runOrchestrator';

const HOUR_MS = 3_600_000;

/** Consent is there from the nth asking on. `onAsk` may send what a person answers. */
const worldWithConsentAt = (nth: number) =>
  fakeWorld({
    ensure: ({ spec }, asked) =>
      // Four hours where the real patience is a day: each turn here replays the whole history.
      spec.kind === 'graphPermission' && asked < nth
        ? { ...consentNeeded(spec.wanted.permission), patienceSeconds: 4 * 3_600 }
        : undefined,
  });

const run = (world: ReturnType<typeof fakeWorld>, more: object = {}, changes: object = {}) =>
  runOrchestrator<DeploymentResult>('runDeployment', {
    ...world.options,
    input: inputFor(1, changes),
    instanceId: 'd-prod-sentry',
    ...more,
  });
const sentryOf = (entities: Readonly<Record<string, unknown>>) => entities['@sentry@prod-sentry-1'] as SentryState;

test('the run goes on with all that does not need consent, and resumes by itself when it is given', async () => {
  const world = worldWithConsentAt(20);
  const { output, entities } = await run(world);
  expect(output?.state).toBe('completed');
  expect(sentryOf(entities)).toMatchObject({ stage: 'completed', handoff: null });
  const first = world.steps.indexOf('ensure networkInterface');
  const vm = world.steps.indexOf('ensure virtualMachine');
  const asked = world.steps.flatMap((step, at) => (step.startsWith('ensure graphPermission') ? [at] : []));
  expect(first).toBeLessThan(asked[4] ?? 0);
  expect(vm).toBeGreaterThan(asked.at(-1) ?? Infinity);
});

test('out of time it rests as waiting for consent, with a small history', async () => {
  const { output, entities, elapsedMs, calls } = await run(worldWithConsentAt(Infinity));
  expect(output).toMatchObject({ state: 'waitingForConsent', problems: [{ code: 'ConsentNeeded' }] });
  expect(sentryOf(entities)).toMatchObject({ stage: 'stopped', handoff: null, stopped: { code: 'ConsentNeeded' } });
  expect(elapsedMs).toBeGreaterThan(4 * HOUR_MS);
  expect(elapsedMs).toBeLessThan(5 * HOUR_MS);
  // Asked after ever less often: a day would be another 120.
  expect(calls.length).toBeLessThan(200);
});

/** A world that never consents, the handoffs that it shows, and its Sentry's own instance. */
function waitingWorld(world = worldWithConsentAt(Infinity)) {
  const handoffs: unknown[] = [];
  let instanceId = '';
  const sentry: EntityHandler<SentryState | null> = (context) => {
    world.options.entities.sentry(context);
    const state = context.df.getState();
    instanceId = state?.instanceId ?? '';
    handoffs.push(state?.handoff);
  };
  const entities = { ...world.options.entities, sentry };
  return { world, entities, handoffs, instanceId: () => instanceId };
}

test('an answer hurries it: the permissions are asked for at once', async () => {
  const { world, entities, instanceId } = waitingWorld();
  const at = 3 * HOUR_MS + 1_000;
  const asked: number[] = [];
  const { ensureResources } = world.options.activities;
  const activities = {
    ...world.options.activities,
    ensureResources: (steps: Parameters<typeof ensureResources>[0], client: FakeClient) => {
      if (steps.some(({ spec }) => spec.kind === 'graphPermission')) asked.push(client.now());
      return ensureResources(steps, client);
    },
  };
  const startAt = new Date('2026-01-01T00:00:00Z');
  const events = [{ at, name: 'consent-1', data: { done: true }, instanceId }];
  await run(world, { activities, entities, startAt, events });
  expect(asked).toContain(startAt.getTime() + at);
});

test('declined, it rests at once as waiting for consent, with the reason', async () => {
  const { world, entities: seen, instanceId } = waitingWorld();
  const events = [{ at: 60_000, name: 'consent-1', data: { declined: 'not this quarter' }, instanceId }];
  const { output, entities, elapsedMs } = await run(world, { entities: seen, events });
  expect(output).toMatchObject({ state: 'waitingForConsent', problems: [{ code: 'ConsentDeclined' }] });
  expect(sentryOf(entities).stopped?.reason).toContain('not this quarter');
  expect(elapsedMs).toBeLessThan(HOUR_MS);
});

const shownBy = async (kind: string): Promise<Handoff> => {
  const { world, entities, handoffs } = waitingWorld(worldWithConsentAt(3));
  await run(world, { entities }, { identity: { kind } });
  const shown = handoffs.find((one) => one !== null && one !== undefined) as Handoff;
  expect(shown).toMatchObject({ id: 'consent-1', kind: 'consent', event: 'consent-1' });
  expect(shown.text).toMatch(/Privileged Role Administrator.*Directory\.Read\.All and AuditLog\.Read\.All/);
  return shown;
};

/** At its first asking the second permission is put off: its principal has not reached that part of Graph yet. */
test('bug: the handoff lists every permission that is awaited, whatever each is put off for', async () => {
  const late: Outcome = {
    kind: 'later',
    code: 'PrincipalNotFound',
    reason: 'It is not there yet',
    remedy: '',
    seconds: 5,
    patienceSeconds: 3_600,
  };
  const world = fakeWorld({
    ensure: ({ spec }, asked) => {
      if (spec.kind !== 'graphPermission' || asked > 8) return undefined;
      // Now and then Graph is busy while somebody is waited for.
      const busy = asked === 1 ? spec.wanted.permission === 'AuditLog.Read.All' : asked === 5;
      return busy ? late : consentNeeded(spec.wanted.permission);
    },
  });
  const { entities, handoffs } = waitingWorld(world);
  const { output } = await run(world, { entities });
  expect(output?.state).toBe('completed');
  const shown = handoffs.map((one) => (one as Handoff | null | undefined)?.text);
  const first = shown.findIndex((text) => text !== undefined);
  const last = shown.findLastIndex((text) => text?.includes('Privileged Role Administrator'));
  expect(first).toBeGreaterThan(-1);
  for (const text of shown.slice(first, last + 1))
    expect(text).toContain('Directory.Read.All and AuditLog.Read.All of Microsoft Graph');
});

test('declined, nothing that was awaited is asked for any more', async () => {
  const late = { ...consentNeeded('AuditLog.Read.All'), code: 'TooManyRequests', patienceSeconds: 3_600 };
  const world = fakeWorld({
    ensure: ({ spec }) =>
      spec.kind !== 'graphPermission'
        ? undefined
        : spec.wanted.permission === 'AuditLog.Read.All'
          ? late
          : consentNeeded(spec.wanted.permission),
  });
  const { entities, instanceId } = waitingWorld(world);
  const events = [{ at: 60_000, name: 'consent-1', data: { declined: 'never' }, instanceId }];
  const { output, elapsedMs } = await run(world, { entities, events });
  expect(output?.problems).toMatchObject([{ code: 'ConsentDeclined' }]);
  expect(elapsedMs).toBe(60_000);
});

test('an app registration: the handoff has the page to consent on', async () => {
  const { text, commands } = await shownBy('appRegistration');
  expect(text).toMatch(/ https:\/\/login\.microsoftonline\.com\/[^/]+\/adminconsent\?client_id=client and accept\./);
  expect(commands).toBeUndefined();
});

test('a managed identity: the handoff has the commands, from signing in on', async () => {
  const { commands } = await shownBy('managedIdentity');
  const { tenantId } = inputFor(1).request;
  const grants = (line: RegExp) => [line, line].map((one) => expect.stringMatching(one));
  expect(commands).toEqual([
    {
      shell: 'az',
      lines: [
        `az login --tenant ${tenantId}`,
        'GRAPH=$(az ad sp show --id 00000003-0000-0000-c000-000000000000 --query id --output tsv)',
        ...grants(/^az rest --method POST --url https:\/\/graph\.microsoft\.com\/v1\.0\/servicePrincipals\/.+"$/),
      ],
    },
    {
      shell: 'powershell',
      lines: [
        `Connect-MgGraph -TenantId ${tenantId} -Scopes AppRoleAssignment.ReadWrite.All, Application.Read.All`,
        `$graph = Get-MgServicePrincipal -Filter "appId eq '00000003-0000-0000-c000-000000000000'"`,
        ...grants(/^New-MgServicePrincipalAppRoleAssignment .* -AppRoleId [0-9a-f-]{36}$/),
      ],
    },
  ]);
});

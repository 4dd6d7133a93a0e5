/** Admin consent that the app may not give: the run says who must do what, goes on with all else, and notices by itself. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { DeploymentShown } from '../../local/administrator';
import { nextLook, type TestWorld, testWorld } from '../support/e2e';
import { paste } from '../support/pastedLines';
import { requestBody, subscriptionId } from '../support/requests';

let world: TestWorld;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sentry-tenant-'));
  const tenant = join(folder, 'tenant.json');
  writeFileSync(tenant, JSON.stringify(withoutTheRight()));
  world = await testWorld({ tenant });
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

/** From the start: the app's first token would keep the right for a day. */
function withoutTheRight(): object {
  const shape = z.looseObject({ principals: z.array(z.looseObject({ graphRoles: z.array(z.string()) })) });
  const sample = join(__dirname, '..', '..', 'samples', 'tenant.json');
  const { principals: [app, ...others], ...rest } = shape.parse(JSON.parse(readFileSync(sample, 'utf8'))); // prettier-ignore
  const graphRoles = app?.graphRoles.filter((role) => role !== 'AppRoleAssignment.ReadWrite.All');
  return { ...rest, principals: [{ ...app, graphRoles }, ...others] };
}

const body = (name: string, kind: string, n: number) => ({
  ...requestBody({ name, identity: { kind }, subscriptions: { include: [{ kind: 'ids', ids: [subscriptionId(n)] }] } }),
  tenantId: world.environment['AZURE_TENANT_ID'],
  placement: { ...(requestBody()['placement'] as object), resourceGroup: name },
  names: { application: `${name}-app` },
});
const identityShown = z.looseObject({ clientId: z.string(), principalId: z.string() });
const identityOf = ({ sentries }: DeploymentShown) => identityShown.parse(sentries[0]?.['identity']);
const changeOf = ({ sentries }: DeploymentShown, kind: string) =>
  sentries[0]?.resources.filter((one) => one.kind === kind).map(({ state }) => state);

/** Looks until the deployment waits for consent with nothing else left to do. */
async function waiting(name: string): Promise<DeploymentShown> {
  for (;;) {
    const shown = await world.administrator.read(name);
    const [sentry] = shown.sentries;
    const atRest = sentry?.handoff?.kind === 'consent' && changeOf(shown, 'networkInterface')?.[0] === 'done' && shown.subscriptions.granted === 1; // prettier-ignore
    if (atRest) return shown;
    expect(shown.state).toBe('running');
    await nextLook();
  }
}

const shownCommands = z.array(z.object({ shell: z.string(), lines: z.array(z.string()) }));
const linesFor = ({ sentries }: DeploymentShown, shell: string): readonly string[] =>
  shownCommands.parse(sentries[0]?.handoff?.commands ?? []).find((one) => one.shell === shell)?.lines ?? [];

/** The administrator's part: the consent page's button, or the very lines that the handoff shows. */
async function consent(kind: string, shown: DeploymentShown): Promise<void> {
  const play = (): Promise<unknown> =>
    kind === 'appRegistration'
      ? world.askAzure('/_simulator/consent', { application: identityOf(shown).clientId })
      : paste(world, 'administrator', linesFor(shown, 'az'));
  // Entra's pages know a new application after a while; whoever opens them tries again.
  while (!(await play().then(() => true, isUnknownYet))) await nextLook();
}

/** Graph knows the principal nowhere yet, or its own copy of it does not. */
const unknownYet = /Request_ResourceNotFound|Not a valid reference update/;

function isUnknownYet(error: unknown): false {
  if (error instanceof Error && unknownYet.test(error.message)) return false;
  throw error;
}

test.each([
  ['managedIdentity', 80],
  ['appRegistration', 81],
] as const)(
  'with %s: all else is made meanwhile, the text says who does what, and the run goes on by itself',
  async (kind, n) => {
    const name = `consent-${kind.toLowerCase()}`;
    await world.administrator.start(body(name, kind, n));
    const shown = await waiting(name);
    const { clientId, principalId } = identityOf(shown);
    const handoff = shown.sentries[0]?.handoff;
    expect(handoff?.id).toBe('consent-1');
    expect(handoff?.text).toMatch(/Privileged Role Administrator.*Directory\.Read\.All and AuditLog\.Read\.All/);
    if (kind === 'appRegistration') expect(handoff?.text).toContain(`/adminconsent?client_id=${clientId} and accept.`);
    else {
      expect(linesFor(shown, 'az')).toHaveLength(4);
      expect(linesFor(shown, 'powershell').slice(2)).toEqual(
        [1, 2].map(() => expect.stringContaining(`-ServicePrincipalId ${principalId} `)),
      );
    }
    expect(changeOf(shown, 'networkSecurityGroup')).toEqual(['done']);
    expect(changeOf(shown, 'virtualMachine')).toEqual(['waiting']);
    expect(changeOf(shown, 'graphPermission')).toEqual(['later', 'later']);

    await consent(kind, shown);
    const ended = await world.administrator.seeThrough(name, () => undefined);
    expect(ended).toMatchObject({ state: 'completed', subscriptions: { total: 1, granted: 1 } });
    expect(changeOf(ended, 'graphPermission')).toEqual(['done', 'done']);
  },
);

test('declined: it rests as waitingForConsent, and the same request goes on once somebody consented', async () => {
  const name = 'consent-declined';
  await world.administrator.start(body(name, 'managedIdentity', 82));
  const shown = await waiting(name);
  const answer = await world.post(`deployments/${name}/handoffs/consent-1`, { declined: 'not before the audit' });
  expect(answer.status).toBe(202);
  const rested = await world.administrator.seeThrough(name, () => undefined);
  expect(rested).toMatchObject({
    state: 'waitingForConsent',
    runtimeStatus: 'Completed',
    subscriptions: { granted: 1 },
  });
  expect(rested.problems).toMatchObject([{ code: 'ConsentDeclined' }, { code: 'ConsentDeclined' }].slice(0, rested.problems.length)); // prettier-ignore
  expect(rested.problems[0]?.reason).toContain('not before the audit');
  expect(rested.sentries[0]?.handoff ?? null).toBeNull();

  await consent('managedIdentity', shown);
  await world.administrator.start(body(name, 'managedIdentity', 82));
  const ended = await world.administrator.seeThrough(name, () => undefined);
  expect(ended).toMatchObject({ state: 'completed', subscriptions: { granted: 1 } });
});

/** Configuration against the simulated Azure with a simulated appliance in its VM: our key replaced, and run commands. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { startAppliances } from '../../../local/appliance/start';
import { makeConfigureAppliance } from '../../../src/activities/configureAppliance';
import type {
  Entry,
  ProofCommandJob,
  ProofCommandResult,
  ScriptJob,
  UnattendedJob,
  UnattendedResult,
} from '../../../src/activities/contracts';
import { makeReplaceSshKey } from '../../../src/activities/replaceSshKey';
import { makeProveUnattended } from '../../../src/activities/proveUnattended';
import { makeRemoveRunCommand } from '../../../src/activities/runCommandStep';
import { makeCheckAgent, makeRunUnattended } from '../../../src/activities/runUnattended';
import { ourKeys } from '../../../src/activities/sshKey';
import type { Appliance, Session } from '../../../src/appliance/port';
import { createSshAppliance } from '../../../src/appliance/ssh';
import { unattendedScript } from '../../../src/appliance/unattended';
import type { Azure } from '../../../src/azure/ports';
import { type Given, outputsOf } from '../../../src/domain/graph';
import { script } from '../../support/requests';
import { deploy, startWorld, type World } from './adapters.support';
import { instant, location, watched } from './simulator.support';

let world: World;
let state: string;
let appliances: Awaited<ReturnType<typeof startAppliances>>;
let appliance: Appliance;
beforeAll(async () => {
  world = await startWorld({ ...instant, timings: { ...instant.timings, runCommand: 20 } });
  answers = { tenantId: world.azure.environment['AZURE_TENANT_ID'] ?? '', usesClientId: 'N', subscriptionCount: '1' };
  state = mkdtempSync(join(tmpdir(), 'appliance-'));
  appliances = await startAppliances({
    azure: world.azure.url,
    state,
    port: 0,
    appPrivateAddress: '10.200.0.4',
    // Azure's clock stands still here, or runs ahead.
    bootSeconds: -Infinity,
  });
  appliance = createSshAppliance({ proxy: appliances.url, settleSeconds: 0.002, quietSeconds: 0.1 });
});
afterAll(async () => {
  await appliances.close();
  await world.azure.stop();
  rmSync(state, { recursive: true });
});

let networks = 90;
/** Whoever is at a private address may come in, as through a window. */
const open = {
  priority: 100,
  direction: 'Inbound',
  access: 'Allow',
  protocol: 'Tcp',
  sourcePortRange: '*',
  sourceAddressPrefix: '10.200.0.4',
  destinationAddressPrefix: '*',
  destinationPortRange: '22',
};

/** A Sentry with its VM in a network of its own, and what is known of them. */
async function sentry(name: string) {
  const network = { kind: 'managed', addressPrefix: `10.${(networks += 1)}.0.0/24` };
  const deployment = deploy(name, 'managedIdentity', { network });
  const given = outputsOf(await world.carryOut('ensure', name, deployment.resources));
  await world.demand('PUT', `${given['networkSecurityGroup']?.['id']}/securityRules/test`, { properties: open });
  const entry: Entry = {
    address: given['networkInterface']?.['privateIPAddress'] ?? '',
    port: 22,
    username: 'cloudknox',
    sshKeyName: deployment.spec('sshKey').id,
  };
  return { ...deployment, given, entry, vmId: given['virtualMachine']?.['id'] ?? '' };
}
const vmSpec = ({ spec }: Awaited<ReturnType<typeof sentry>>, given: Given) => spec('virtualMachine', given);
/** Signs in with the keys that every session tries. */
async function signIn(entry: Entry, hostKey?: string) {
  const privateKeys = (await ourKeys(world.ports, entry.sshKeyName)).map(({ privateKey }) => privateKey);
  return appliance.run({ ...entry, hostKey, privateKeys }, 'cat .ssh/authorized_keys');
}
const authorized = async (entry: Entry): Promise<string[]> => {
  const ran = await signIn(entry);
  if (ran.kind !== 'ran') throw new Error(ran.reason);
  return ran.output.trim().split('\n');
};

/** Where a session reached the appliance, and where the console's email and PIN lie. */
async function registered(
  name: string,
  applianceAddress: string,
): Promise<Pick<ScriptJob, 'script' | 'registrationUri'>> {
  const answer = await fetch(`${appliances.url}/console/azure/data-collectors`, {
    method: 'POST',
    body: JSON.stringify({ applianceAddress }),
  });
  const value = await answer.text();
  return { script, registrationUri: await world.ports.secrets.set(name, value, { tags: {}, contentType: '' }) };
}
let answers: ScriptJob['answers'];

describe('our key', () => {
  test('is another after each session, is the only one of ours that is let in, and no difference of the VM', async () => {
    const one = await sentry('keyed');
    const replace = makeReplaceSshKey(world.ports, appliance);
    const [first] = await ourKeys(world.ports, one.entry.sshKeyName);
    const before = await authorized(one.entry);
    expect(before).toHaveLength(2);
    expect(before).toContain(first?.publicKey);

    for (let session = 1; session <= 2; session += 1) {
      const [old] = await ourKeys(world.ports, one.entry.sshKeyName);
      expect(await replace(one.entry)).toEqual({ kind: 'replaced' });
      const [now] = await ourKeys(world.ports, one.entry.sshKeyName);
      expect(now?.publicKey).not.toBe(old?.publicKey);
      expect(await authorized(one.entry)).toEqual([before[0], now?.publicKey]);
      const stale: Session = { ...one.entry, privateKeys: [old?.privateKey ?? ''] };
      expect(await appliance.run(stale, 'cat .ssh/authorized_keys')).toMatchObject({ kind: 'refused', why: 'key' });
    }

    expect(await world.written(() => world.carryOut('ensure', one.name, one.resources, one.given))).toEqual([]);
    const given = outputsOf(await world.carryOut('ensure', one.name, one.resources));
    expect(given['sshKey']?.['publicKey']).not.toBe(first?.publicKey);
    const wanted = vmSpec(one, given);
    const tagged = { ...wanted, wanted: { ...wanted.wanted, tags: { ...wanted.wanted.tags, owner: 'other' } } };
    expect((await world.drive('ensure', tagged)).at(-1)).toMatchObject({ kind: 'done', change: 'changed' });
    expect(JSON.stringify(await world.demand('GET', one.vmId))).toContain(first?.publicKey);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
    'killed before its call %i it locks nobody out, and ends what it began',
    async (fatal) => {
      const { entry } = await (known ??= sentry('cut'));
      let calls = 0;
      const mortal = <T extends object>(target: T): T =>
        new Proxy(target, {
          get: (of, name: string & keyof T) => {
            const member: unknown = Reflect.get(of, name);
            if (typeof member !== 'function') return member;
            return (...parameters: unknown[]): unknown => {
              calls += 1;
              if (calls === fatal) throw new Error('killed');
              return Reflect.apply(member, of, parameters);
            };
          },
        });
      const ports = { ...world.ports, secrets: mortal(world.ports.secrets) } as Azure;
      await makeReplaceSshKey(
        ports,
        mortal(appliance),
      )(entry).catch((error: Error) => expect(error.message).toBe('killed'));
      expect(calls).toBeGreaterThanOrEqual(fatal);
      expect(await signIn(entry)).toMatchObject({ kind: 'ran', status: 0 });

      expect(await makeReplaceSshKey(world.ports, appliance)(entry)).toEqual({ kind: 'replaced' });
      const [now] = await ourKeys(world.ports, entry.sshKeyName);
      const ours = (await authorized(entry)).filter((line) => line.endsWith(entry.sshKeyName));
      expect(ours).toEqual([now?.publicKey]);
    },
  );
  let known: ReturnType<typeof sentry> | undefined;

  test('a rebuilt VM has the key of now; its host key is another, and refused where the old one is pinned', async () => {
    const one = await sentry('rebuilt');
    await makeReplaceSshKey(world.ports, appliance)(one.entry);
    const job = { ...one.entry, ...(await registered('rebuilt-pin', one.entry.address)), answers };
    const configure = makeConfigureAppliance(world.ports, appliance);
    const first = await configure(job);
    expect(first).toMatchObject({ kind: 'configured', hostKey: expect.stringMatching(/^SHA256:/) });
    const hostKey = 'hostKey' in first ? first.hostKey : undefined;

    await world.demand('DELETE', one.vmId);
    await world.carryOut('ensure', one.name, one.resources);
    expect(await signIn(one.entry)).toMatchObject({ kind: 'ran', key: 0 });
    const refused = await configure({ ...job, hostKey });
    expect(refused).toMatchObject({ kind: 'stopped', code: 'HostKeyChanged' });
    expect(refused).not.toHaveProperty('hostKey');
  });

  test('the script is not run while the identity does not read what it was granted, and nothing is spent', async () => {
    const one = await sentry('early');
    const job = { ...one.entry, ...(await registered('early-pin', one.entry.address)), answers };
    const { ARM_ENDPOINT: armEndpoint = '' } = world.azure.environment;
    const clientId = one.given['userAssignedIdentity']?.['clientId'] ?? '';
    const identity = { clientId, armEndpoint, armAudience: 'https://management.azure.com/' };
    const first = (...subscriptions: string[]) => ({ questions: { origins: [], identity }, subscriptions });
    const configure = makeConfigureAppliance(world.ports, appliance);
    const early = await configure({ ...job, first: first(watched(1), watched(2)) });
    expect(early).toEqual({ kind: 'unread', missing: [watched(2)] });
    expect(await configure({ ...job, first: first(watched(1)) })).toMatchObject({ kind: 'configured' });
    const nobody = { ...job, address: '10.99.99.99', first: first(watched(1)) };
    expect(await configure(nobody)).toMatchObject({ kind: 'unreachable' });
  });

  test('bug: a vault that does not show our key for a moment ends no visit', async () => {
    const one = await sentry('unseen');
    const job = { ...one.entry, ...(await registered('unseen-pin', one.entry.address)), answers };
    const body = {
      error: { code: 'SecretNotFound', message: 'A secret with (name/id) was not found in this key vault.' },
    };
    await world.fault({ match: { method: 'GET', path: one.entry.sshKeyName }, status: 404, body });
    const configure = makeConfigureAppliance(world.ports, appliance);
    const reason = `the vault shows no secret '${one.entry.sshKeyName}'`;
    expect(await configure(job)).toEqual({ kind: 'unreachable', reason });
    expect(await configure(job)).toMatchObject({ kind: 'configured' });
  });

  test('keys that the appliance does not take are a refusal with the way to let them in again', async () => {
    const one = await sentry('foreign');
    const job = { ...one.entry, ...(await registered('foreign-pin', one.entry.address)), answers, username: 'other' };
    expect(await makeConfigureAppliance(world.ports, appliance)(job)).toMatchObject({
      kind: 'stopped',
      code: 'KeyRefused',
      remedy: expect.stringContaining('az vm user update --username other'),
    });
    const unable = await makeReplaceSshKey(world.ports, appliance)({ ...one.entry, username: 'other' });
    expect(unable).toEqual({ kind: 'kept', reason: 'the keys could not be read: our key was refused' });
  });
});

describe('run command', () => {
  const run = (job: UnattendedJob) => makeRunUnattended(world.ports, unattendedScript)(job);
  const looks: string[] = [];
  /** As the orchestration does, with its pauses. */
  const untilEnd = (job: UnattendedJob) => settled((operation) => run({ ...job, operation }));
  async function settled<A extends UnattendedResult | ProofCommandResult>(
    look: (operation: string | undefined) => Promise<A>,
  ): Promise<A> {
    let operation: string | undefined;
    for (;;) {
      const answer = await look(operation);
      looks.push(JSON.stringify(answer));
      if (answer.kind !== 'running' && answer.kind !== 'later') return answer;
      operation = answer.kind === 'running' ? answer.operation : undefined;
      world.azure.advance(answer.seconds ?? 1);
      // What the machine does takes real time, and Azure's clock does not wait for it.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  let one: Awaited<ReturnType<typeof sentry>>;
  let attempts = 0;
  const jobFor = async (changes: Partial<UnattendedJob> = {}): Promise<UnattendedJob> => ({
    ...(await registered('run-pin', one.entry.address)),
    answers,
    id: `${one.vmId}/runCommands/sentry-setup`,
    location,
    deployment: one.name,
    attempt: `attempt-${(attempts += 1)}`,
    again: false,
    ...changes,
  });
  beforeAll(async () => {
    one = await sentry('unattended');
  });

  test('sets the appliance up for real: with its agent, through no port, and every answer a protected parameter', async () => {
    expect(await makeCheckAgent(world.ports)({ vmId: one.vmId })).toMatchObject({ kind: 'done' });
    const job = await jobFor();
    const secret = z.object({ email: z.string(), pin: z.string() });
    const { value } = (await world.ports.secrets.get(job.registrationUri)) ?? { value: '' };
    const { email, pin } = secret.parse(JSON.parse(value));

    const written = await world.written(async () => {
      expect(await untilEnd(job)).toEqual({ kind: 'ended', result: { kind: 'configured' } });
    });
    expect(written).toEqual(['PUT runCommands/sentry-setup']);
    const shown = JSON.stringify(await world.demand('GET', `${job.id}`));
    expect(shown).toContain('$ANSWER_PIN');
    const collectors: unknown = await (await fetch(`${appliances.url}/console/azure/data-collectors`)).json();
    expect(collectors).toContainEqual(
      expect.objectContaining({ applianceAddress: one.entry.address, state: 'collecting' }),
    );
    for (const text of [shown, ...looks]) for (const word of [email, pin]) expect(text).not.toContain(word);

    await makeRemoveRunCommand(world.ports)({ id: job.id });
    world.azure.advance(30);
    expect(await world.ports.runCommands.get(job.id)).toBeUndefined();
  });

  test('the same attempt asked twice is one run, and its end is read as often as asked', async () => {
    const job = await jobFor({ again: true });
    const written = await world.written(async () => {
      await run(job);
      expect(await untilEnd(job)).toMatchObject({ kind: 'ended', result: { kind: 'configured' } });
      expect(await untilEnd(job)).toMatchObject({ kind: 'ended', result: { kind: 'configured' } });
    });
    expect(written).toEqual(['PUT runCommands/sentry-setup']);
  });

  test('what another attempt left is taken away first; one that was set up before is noticed', async () => {
    const job = await jobFor();
    const written = await world.written(async () => {
      expect(await untilEnd(job)).toEqual({ kind: 'otherwise', again: true });
    });
    expect(written[0]).toBe('DELETE runCommands/sentry-setup');
    expect(written.at(-1)).toBe('PUT runCommands/sentry-setup');
  });

  test('a wrong PIN, which the console then gives anew', async () => {
    const job = await jobFor({ again: true });
    const wrong = JSON.stringify({ email: 'administrator@contoso.example', pin: '0000' });
    const registrationUri = await world.ports.secrets.set('wrong-pin', wrong, { tags: {}, contentType: '' });
    expect(await untilEnd({ ...job, registrationUri })).toEqual({ kind: 'ended', result: { kind: 'wrongPin' } });
  });

  const prepared = (answer: object) =>
    world.azure.ask('POST', '/_simulator/vms/scripts', { body: { contains: 'runAzureConfigCLI', ...answer } });

  const origins = () => [world.azure.url, 'https://app.cloudknox.io'];
  const proofJob = (changes: Partial<ProofCommandJob> = {}): ProofCommandJob => ({
    id: `${one.vmId}/runCommands/sentry-proof`,
    location,
    deployment: one.name,
    attempt: `attempt-${(attempts += 1)}`,
    questions: {
      origins: origins(),
      identity: {
        clientId: one.given['userAssignedIdentity']?.['clientId'] ?? '',
        armEndpoint: world.azure.url,
        armAudience: world.azure.url,
      },
    },
    subscriptions: [watched(1)],
    ...changes,
  });
  const proven = (job: ProofCommandJob) =>
    settled((operation) => makeProveUnattended(world.ports)({ ...job, operation }));

  test('proves what it reaches and what its managed identity reads, and no token is seen', async () => {
    const job = proofJob();
    expect(await proven(job)).toEqual({
      kind: 'ended',
      answered: { reached: origins(), unreached: [], readable: [watched(1)] },
    });
    const shown = JSON.stringify(await world.ports.runCommands.get(job.id));
    expect(shown).toContain('reach 1 0 200');
    expect(shown).not.toMatch(/ey[\w-]+\.ey/);
  });

  test('fifty subscriptions, all its hosts and a long link fit into what Azure keeps', async () => {
    const subscriptions = Array.from({ length: 50 }, (_, at) => watched(at));
    const many = Array.from({ length: 40 }, (_, at) => `https://a-rather-long-name-of-a-host-${at}.example`);
    const said = [
      ...many.map((_, at) => `reach ${at} 0 200`),
      'identity 1500',
      ...subscriptions.map((id) => `Id":"${id}"`),
      `"nextLink":"${world.azure.url}/subscriptions?skiptoken=${'x'.repeat(800)}"`,
      'status 200',
    ];
    const script = { contains: 'a-rather-long-name', stdout: `${said.join('\n')}\n` };
    await world.azure.ask('POST', '/_simulator/vms/scripts', { body: script });
    const { questions } = proofJob();
    const found = await proven(proofJob({ subscriptions, questions: { ...questions, origins: many } }));
    expect(found).toMatchObject({ kind: 'ended', answered: { reached: many, readable: subscriptions } });
    await world.azure.ask('DELETE', '/_simulator/vms/scripts');
  });

  test.each([
    [{ stdout: `${'x'.repeat(5_000)}\nstatus 200\n` }, 'said more than 4096 bytes'],
    [{ stdout: '', seconds: 1_000_000 }, 'TimedOut'],
  ])('an answer that is not whole says nothing of what is reached (%#)', async (answer, reason) => {
    await world.azure.ask('POST', '/_simulator/vms/scripts', { body: { contains: 'cloudknox.io', ...answer } });
    expect(await proven(proofJob())).toMatchObject({ kind: 'refused', reason: expect.stringContaining(reason) });
    await world.azure.ask('DELETE', '/_simulator/vms/scripts');
  });
  const asked = 'This Sentry is already configured. Configure it again? (Y/N): ';
  test.each([
    [{ stdout: `${asked}Configuration complete.`, exitCode: 3 }, 'ScriptFailed', 'done and ended with 3'],
    [{ stdout: asked, stderr: 'Segmentation fault', exitCode: 139 }, 'ScriptFailed', 'the script ended with 139'],
    [{ stdout: asked, seconds: 1_000_000 }, 'ScriptNotDone', 'TimedOut'],
  ])('%j: the exit code and the time limit count', async (answer, code, reason) => {
    await prepared(answer);
    const job = await jobFor({ again: !('seconds' in answer) });
    expect(await untilEnd(job)).toMatchObject({
      kind: 'ended',
      result: { kind: 'stopped', code, reason: expect.stringContaining(reason) },
    });
    await world.azure.ask('DELETE', '/_simulator/vms/scripts');
  });

  test('of more than Azure keeps, the end is read, and half a line with half a secret is not', async () => {
    const { value } = (await world.ports.secrets.get((await jobFor()).registrationUri)) ?? { value: '' };
    const { pin } = z.object({ pin: z.string() }).parse(JSON.parse(value));
    // Azure cuts into the first line: all that is left of it is the PIN without its first digit.
    const kept = `${pin.slice(1)}\n`;
    const ending = `${'x'.repeat(4_096 - kept.length - 24)}\nConfiguration failed: no`;
    await prepared({ stdout: `typed ${pin}\n${ending}`, exitCode: 1 });
    const answer = await untilEnd(await jobFor());
    expect(answer).toMatchObject({ result: { code: 'ScriptFailed', reason: 'Configuration failed: no' } });
    expect(JSON.stringify(answer)).not.toContain(pin.slice(1));
    await world.azure.ask('DELETE', '/_simulator/vms/scripts');
  });

  test('a VM whose agent does not report, or that is not there, is told as such', async () => {
    await world.outside('POST', `${one.vmId}/deallocate`);
    world.azure.advance(300);
    expect(await makeCheckAgent(world.ports)({ vmId: one.vmId })).toMatchObject({ kind: 'later', code: 'NoAgent' });
    expect(await makeCheckAgent(world.ports)({ vmId: `${one.vmId}-2` })).toMatchObject({
      kind: 'refused',
      code: 'ResourceNotFound',
    });
  });
});

test('the traffic of a VM minute by minute, as Azure Monitor shows it', async () => {
  const one = await sentry('traffic');
  const boot = Date.now() + 3_600_000 * 24;
  const { body } = await world.azure.ask('GET', `/_simulator/vms?id=${encodeURIComponent(one.vmId)}`);
  const { startedAt } = z.looseObject({ startedAt: z.number() }).parse(body);
  world.azure.advance(600);
  await world.azure.ask('POST', '/_simulator/vms/traffic', { body: { vmId: one.vmId, bytesPerMinute: 50_000 } });
  world.azure.advance(600);
  const samples = await world.ports.metrics.networkOut(one.vmId, startedAt, boot);
  const bytes = samples.map((sample) => sample.bytes);
  expect(Math.max(...bytes)).toBe(92_000);
  expect(bytes).toContain(42_000);
  expect(samples[1]?.at).toBe((samples[0]?.at ?? 0) + 60_000);
  const unknown = world.ports.metrics.networkOut(`${one.vmId}-2`, startedAt, boot);
  await expect(unknown).rejects.toMatchObject({ outcome: { kind: 'refused' }, status: 404 });
});

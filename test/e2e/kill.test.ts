/** `kill -9` at ten moments of a deployment, each followed by a restart: it goes on, and ends in the same state. */
import { afterEach, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { DeploymentShown } from '../../local/administrator';
import { startWorld } from '../../local/world';
import { nextLook, type TestWorld, testWorld } from '../support/e2e';
import { requestBody, subscriptionIds } from '../support/requests';

let world: TestWorld | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const NAME = 'killed';
const SUBSCRIPTIONS = 12;
/** Slow enough for each moment to be seen. */
const options = { speed: 60 };

type Moment = (shown: DeploymentShown) => boolean;
const shared =
  (key: string): Moment =>
  ({ resources }) =>
    resources.some((one) => one.key === key && one.state === 'done');
const own =
  (key: string): Moment =>
  ({ sentries }) =>
    sentries.some(({ resources }) => resources.some((one) => one.key === key && one.state === 'done'));
const stages = ['resources', 'presence', 'window', 'registration', 'configuration', 'closing', 'completed'];
/** At that stage or past it: what went by between two looks still counts. */
const stage =
  (name: string): Moment =>
  ({ sentries }) =>
    sentries.some((one) => stages.indexOf(one.stage) >= stages.indexOf(name));

const moments: readonly [string, Moment][] = [
  ['just after the start', () => true],
  ['with the resource group there', shared('resourceGroup')],
  ['with the NAT gateway there', shared('natGateway')],
  ['with the application there', own('application')],
  ['with the client secret in the vault', own('clientSecret')],
  ['with subscriptions granted', ({ subscriptions }) => subscriptions.granted > 0],
  ['with the VM there', own('virtualMachine')],
  ['with the window opening', stage('window')],
  ['while it waits for the PIN', stage('registration')],
  ['while the script runs or the window closes', stage('configuration')],
];

async function begin(running: TestWorld): Promise<void> {
  const include = [{ kind: 'ids', ids: subscriptionIds(SUBSCRIPTIONS) }];
  const tenantId = running.environment['AZURE_TENANT_ID'];
  await running.administrator.start(
    requestBody({ name: NAME, tenantId, identity: { kind: 'appRegistration' }, subscriptions: { include } }),
  );
}

async function reach(running: TestWorld, moment: Moment): Promise<void> {
  for (;;) {
    const shown = await running.administrator.read(NAME);
    if (moment(shown)) return;
    await running.administrator.attend(shown);
    if (shown.state !== 'running') throw new Error(`It came to rest (${shown.state}) before the moment.`);
    await nextLook();
  }
}

/** What is left in the end, as the API tells it and as Azure itself does. Ids that Azure chose are left out. */
async function finalState(running: TestWorld, shown: DeploymentShown) {
  const rows = z.looseObject({ value: z.array(z.looseObject({ name: z.string(), type: z.string() })) });
  const identity = { 'x-identity-header': running.environment['IDENTITY_HEADER'] ?? '' };
  const bearer = async (resource: string) => {
    const path = `/msi/token?resource=${resource}&api-version=2019-08-01`;
    const { access_token } = z
      .looseObject({ access_token: z.string() })
      .parse(await running.askAzure(path, undefined, identity));
    return { authorization: `Bearer ${access_token}` };
  };
  const group =
    '/subscriptions/5b000000-0000-4000-8000-000000000000/resourceGroups/cloudknox/resources?api-version=2021-04-01';
  const { value } = rows.parse(await running.askAzure(group, undefined, await bearer('https://management.azure.com')));
  const apps = z.looseObject({
    value: z.array(z.looseObject({ displayName: z.string(), passwordCredentials: z.array(z.unknown()) })),
  });
  const graph = await bearer('https://graph.microsoft.com');
  const found = apps.parse(
    await running.askAzure("/v1.0/applications?$filter=displayName%20eq%20'CloudKnox-App'", undefined, graph),
  );
  return {
    state: shown.state,
    subscriptions: shown.subscriptions,
    stages: shown.sentries.map((one) => one.stage),
    resources: shown.sentries.map(({ resources }) =>
      resources.map(({ key, state, ours }) => `${key} ${state} ${String(ours)}`).sort(),
    ),
    proven: shown.sentries.flatMap(({ receipts }) => receipts.map((one) => one.provenClosed)),
    azure: value.map(({ type, name }) => `${type} ${name.replace(/_[0-9a-f]{16,}/, '')}`).sort(),
    applications: found.value.map(
      ({ displayName, passwordCredentials }) => `${displayName} ${passwordCredentials.length}`,
    ),
  };
}

const expected = {
  state: 'completed',
  subscriptions: { total: SUBSCRIPTIONS, granted: SUBSCRIPTIONS, proven: SUBSCRIPTIONS, setAside: 0 },
  stages: ['completed'],
  proven: [true],
  applications: ['CloudKnox-App 1'],
};
let undisturbed: Awaited<ReturnType<typeof finalState>> | undefined;
const reference = async () => {
  const quiet = await testWorld(options);
  try {
    await begin(quiet);
    return await finalState(quiet, await quiet.administrator.seeThrough(NAME, () => undefined));
  } finally {
    await quiet.stop();
  }
};

test.each(moments)('the host is killed %s', async (_when, moment) => {
  undisturbed ??= await reference();
  world = await testWorld(options);
  await begin(world);
  await reach(world, moment);
  await world.kill('host');
  await world.startHost();
  const state = await finalState(world, await world.administrator.seeThrough(NAME, () => undefined));
  expect(state).toMatchObject(expected);
  expect(state).toEqual(undisturbed);
});

test('everything is killed at once, and a new start on the same state goes on', async () => {
  undisturbed ??= await reference();
  const killed = (world = await testWorld(options));
  await begin(killed);
  await reach(killed, own('networkInterface'));
  await killed.kill();
  const again = await startWorld({ ...options, state: killed.state, ports: killed.ports });
  try {
    const state = await finalState(killed, await killed.administrator.seeThrough(NAME, () => undefined));
    expect(state).toEqual(undisturbed);
  } finally {
    await again.stop();
  }
});

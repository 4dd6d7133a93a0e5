/** What the Azure CLI 2.74 sends for thirty commands, sent again: each answer has to be one that the CLI can use. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import {
  memberNames,
  recordedCommands,
  recordedIds,
  type RecordedCommand,
  type RecordedRequest,
} from './recordedRequests';
import { type Answer, instant, location, platform, startTestAzure, type TestAzure } from './simulator.support';

const TENANT = '11111111-1111-1111-1111-111111111111';
const SUBSCRIPTION = '22222222-2222-2222-2222-222222222222';
const CLIENT = '44444444-4444-4444-4444-444444444444';

/** Requests that are not sent again as they were recorded, and why. */
const leftOut: readonly { readonly url: RegExp; readonly why: string }[] = [
  {
    url: /\/Microsoft\.Resources\/deployments\//,
    why: 'the recorded template is cut: the whole one has a test of its own',
  },
  { url: /\/virtualMachines\/vm1\?/, why: 'the VM that the deployment makes' },
  { url: /\/(networkInterfaces\/vm1VMNic|publicIPAddresses\/vm1PublicIP)\?/, why: 'what the deployment makes' },
];

/** Members of the stub's answers that are not asked for here, and why. */
const notAsked: Readonly<Record<string, string>> = {
  etag: 'resource groups, identities and vaults have none in Azure; Microsoft.Network shows its own in the test of each',
  'properties.provisioningState': 'a managed identity has none in Azure',
  'properties.automaticOSUpgradeProperties': 'of an image; the CLI does without',
  'properties.features': 'of an image; the CLI does without',
};

let azure: TestAzure;
/** What stands in the recording → what stands for it here. */
const known = new Map<string, string>();
const tokens = new Map<string, string>();

const fortigate = {
  publisher: 'fortinet',
  offer: 'fortinet_fortigate-vm_v5',
  sku: 'fortinet_fg-vm',
  versions: ['1.0.0'],
  plan: { publisher: 'fortinet', product: 'fortinet_fortigate-vm_v5', name: 'fortinet_fg-vm' },
};
const ubuntu = {
  publisher: 'Canonical',
  offer: '0001-com-ubuntu-server-jammy',
  sku: '22_04-lts-gen2',
  versions: ['1.0.0'],
};

async function start(): Promise<void> {
  known.clear();
  tokens.clear();
  azure = await startTestAzure({ ...instant, images: [fortigate, { ...ubuntu, plan: null }] });
  const { body } = await azure.ask('POST', '/_simulator/secret', { body: { principal: 'administrator' } });
  const made = z.object({ tenantId: z.string(), clientId: z.string(), clientSecret: z.string() }).parse(body);
  known.set(TENANT, made.tenantId);
  known.set(SUBSCRIPTION, platform);
  known.set(CLIENT, made.clientId);
  known.set('client_secret=secret', `client_secret=${encodeURIComponent(made.clientSecret)}`);
  known.set('127.0.0.1%3A8443', encodeURIComponent(new URL(azure.url).host));
}

beforeAll(start);
afterAll(async () => azure.stop());

function adapted(text: string): string {
  let result = text;
  for (const [was, is] of known) result = result.replaceAll(was, is);
  return result;
}

const hostsOfTokens: Readonly<Record<string, string>> = {
  'management.azure.com': 'https://management.core.windows.net//.default',
  'graph.microsoft.com': 'https://graph.microsoft.com//.default',
  'main.iam.ad.ext.azure.com': '74658136-14ec-4630-ad9b-26e160ff0fc6/.default',
  // A cloud that the CLI was told of: its own name stands for all that it serves.
  '127.0.0.1': 'https://127.0.0.1:8443//.default',
};

/** The CLI keeps tokens from one command to the next. */
async function tokenFor(host: string): Promise<string> {
  const scope = hostsOfTokens[host] ?? 'https://vault.azure.net/.default';
  const kept = tokens.get(scope);
  if (kept !== undefined) return kept;
  const body = `client_id=${CLIENT}&grant_type=client_credentials&client_secret=secret&scope=${encodeURIComponent(scope)}`;
  const answer = await post(`/${TENANT}/oauth2/v2.0/token`, body);
  const token = z.object({ access_token: z.string() }).parse(answer.body).access_token;
  tokens.set(scope, token);
  return token;
}

const post = async (path: string, form: string): Promise<Answer> =>
  await azure.ask('POST', adapted(path), {
    body: adapted(form),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });

async function send({ method, url, isOpen, body }: RecordedRequest): Promise<Answer> {
  if (body?.startsWith('client_id=') === true) return await post(url.pathname, body);
  const vault = /^(\w+)\.vault\./.exec(url.hostname)?.[1];
  const headers = vault === undefined ? {} : { host: `${vault}.vault.localhost` };
  const parsed: unknown = body === undefined ? undefined : JSON.parse(withTerms(adapted(body)));
  return await azure.ask(method, adapted(`${url.pathname}${url.search}`), {
    ...(isOpen ? {} : { token: await tokenFor(url.hostname) }),
    ...(parsed === undefined ? {} : { body: parsed }),
    headers,
  });
}

let signature = '';

/** Terms are accepted by sending back what was read, its signature included. */
const withTerms = (body: string): string => body.replace('"signature": "SIG"', `"signature": "${signature}"`);

function learn(recorded: RecordedRequest, { body }: Answer): void {
  const terms = z.looseObject({ properties: z.looseObject({ signature: z.string() }) }).safeParse(body);
  if (terms.success) signature = terms.data.properties.signature;
  if (recorded.method === 'GET' || recorded.status > 299) return;
  const flat = z.record(z.string(), z.unknown()).catch({}).parse(body);
  const members = { ...flat, ...z.record(z.string(), z.unknown()).catch({}).parse(flat['properties']) };
  for (const [name, id] of recordedIds(recorded.answer)) {
    const is = members[name];
    if (typeof is === 'string' && !known.has(id)) known.set(id, is);
  }
}

/** Waits for a long-running operation as the CLI does. */
async function settle({ header }: Answer): Promise<void> {
  const polled = header('azure-asyncoperation');
  if (polled === '') return;
  const { pathname, search } = new URL(polled);
  const { body } = await azure.ask('GET', `${pathname}${search}`, { token: await tokenFor('management.azure.com') });
  expect(body).toMatchObject({ status: 'Succeeded' });
}

const isPoll = ({ url }: RecordedRequest): boolean => url.pathname.startsWith('/ops/');
const isLeftOut = ({ url }: RecordedRequest): boolean => leftOut.some((one) => one.url.test(url.href));
/** The stub deleted a group at once; Azure accepts, and says where to look. */
const expectedStatus = ({ method, status, url }: RecordedRequest): number[] =>
  method === 'DELETE' && /resourcegroups\/rg1$/.test(url.pathname)
    ? [202]
    : [status, ...(method === 'PUT' ? [200, 201] : [])];

/** What the stub did not have: `az vm create` looked for it before its deployment, where another command had made it. */
const isFoundHere = ({ status, url }: RecordedRequest): boolean =>
  status === 404 &&
  /\/(subnets\/s1|networkSecurityGroups\/nsg1|virtualNetworks\/vnet1)\?/.test(
    url.href.replaceAll('//n', '/n').replaceAll('//v', '/v'),
  );

async function replay({ requests }: RecordedCommand): Promise<void> {
  for (const recorded of requests.filter((one) => !isPoll(one) && !isLeftOut(one))) {
    const answer = await send(recorded);
    const what = `${recorded.method} ${recorded.url.href} → ${JSON.stringify(answer.body)}`;
    const wanted = isFoundHere(recorded) ? [200] : expectedStatus(recorded);
    expect([what, wanted.includes(answer.status)]).toEqual([what, true]);
    if (answer.status < 300 && !isFoundHere(recorded)) demandMembers(recorded, answer, what);
    learn(recorded, answer);
    await settle(answer);
  }
}

function demandMembers(recorded: RecordedRequest, { body }: Answer, what: string): void {
  const here = memberNames(JSON.stringify(body ?? ''));
  // The stub told of its federation server what only Entra tells of itself.
  const foreign = recorded.url.pathname.startsWith('/adfs/') ? ['tenant_region_scope', 'cloud_instance_name'] : [];
  const missing = memberNames(recorded.answer).filter(
    (name) => !here.includes(name) && notAsked[name] === undefined && !foreign.includes(name),
  );
  expect([what, missing]).toEqual([what, []]);
}

describe('as AzureCloud', () => {
  const commands = recordedCommands('B');

  test('the recording is whole', () => {
    expect(commands.length).toBeGreaterThanOrEqual(29);
    expect(commands.flatMap(({ requests }) => requests).filter(isLeftOut)).toHaveLength(LEFT_OUT);
  });

  test.each(commands.map((one) => [one.command.slice(0, 90), one] as const))('%s', async (_, command) => {
    await replay(command);
  });
});

describe('as a registered cloud, its authority at /adfs', () => {
  const commands = recordedCommands('A');
  beforeAll(async () => {
    await azure.stop();
    await start();
  });

  test('the recording is whole', () => {
    expect(commands.length).toBeGreaterThanOrEqual(29);
    expect(commands.flatMap(({ requests }) => requests).some(({ url }) => url.pathname === '/adfs/oauth2/token')).toBe(
      true,
    );
  });

  test.each(commands.map((one) => [one.command.slice(0, 90), one] as const))('%s', async (_, command) => {
    await replay(command);
  });

  test('the federation server describes itself, and refuses as Entra does', async () => {
    expect((await azure.ask('GET', '/adfs/discovery/keys')).body).toMatchObject({ keys: [{ kty: 'RSA', use: 'sig' }] });
    const refused = await post(
      '/adfs/oauth2/token',
      'grant_type=client_credentials&client_id=nobody&client_secret=x&scope=y%2F.default',
    );
    expect([refused.status, refused.body]).toMatchObject([
      400,
      { error: 'unauthorized_client', error_codes: [700016] },
    ]);
  });
});

/** How many recorded requests the table leaves out. */
const LEFT_OUT = 5;

const GROUP = `/subscriptions/${platform}/resourceGroups/rg1/providers`;
const arm = async (method: string, path: string, body?: unknown): Promise<Answer> =>
  await azure.ask(method, `${GROUP}${path}`, {
    token: await tokenFor('management.azure.com'),
    ...(body === undefined ? {} : { body }),
  });

/** The last three commands of a VM's life. The template is whole, as the CLI 2.74 sent it; in the recording it is cut. */
test('az vm create deploys its template, and az vm show, run-command and delete follow', async () => {
  await azure.ask('PUT', `/subscriptions/${platform}/resourcegroups/rg1?api-version=2024-11-01`, {
    token: await tokenFor('management.azure.com'),
    body: { location },
  });
  await arm('PUT', '/Microsoft.ManagedIdentity/userAssignedIdentities/id1?api-version=2023-01-31', { location });
  const template: unknown = JSON.parse(
    readFileSync(join(__dirname, 'recordings', 'azure-cli-vm-create.json'), 'utf8').replaceAll(
      '22.04.202611010',
      '1.0.0',
    ),
  );
  const deployment = '/Microsoft.Resources/deployments/vm_deploy_1?api-version=2024-11-01';
  const made = await arm('PUT', deployment, template);
  expect([made.status, made.body]).toMatchObject([201, { name: 'vm_deploy_1' }]);
  await settle(made);
  expect((await arm('GET', deployment)).body).toMatchObject({ properties: { provisioningState: 'Succeeded' } });
  const vm = '/Microsoft.Compute/virtualMachines/vm1';
  expect((await arm('GET', `${vm}?$expand=instanceView&api-version=2024-11-01`)).body).toMatchObject({
    properties: { instanceView: { statuses: expect.any(Array) }, networkProfile: { networkInterfaces: [{}] } },
  });
  expect((await arm('GET', '/Microsoft.Network/networkInterfaces/vm1VMNic?api-version=2022-01-01')).status).toBe(200);
  expect(
    (await arm('GET', '/Microsoft.Network/publicIPAddresses/vm1PublicIP?api-version=2022-01-01')).body,
  ).toMatchObject({ properties: { ipAddress: expect.any(String) } });
  const script = { commandId: 'RunShellScript', script: ['echo hello'] };
  const run = await arm('POST', `${vm}/runCommand?api-version=2024-11-01`, script);
  expect(run.status).toBe(202);
  await settle(run);
  const removed = await arm('DELETE', `${vm}?api-version=2024-11-01`);
  expect(removed.status).toBe(202);
  await settle(removed);
});

test('a cloud is registered by its own description', async () => {
  const { status, body } = await azure.ask('GET', '/metadata/endpoints?api-version=2022-09-01');
  expect([status, body]).toMatchObject([
    200,
    {
      name: 'SimulatedAzure',
      authentication: { loginEndpoint: `${azure.url}/`, identityProvider: 'AAD' },
      resourceManager: `${azure.url}/`,
      microsoftGraphResourceId: `${azure.url}/`,
      suffixes: { keyVaultDns: `vault.localhost:${new URL(azure.url).port}` },
    },
  ]);
  expect((await azure.ask('GET', '/metadata/endpoints?api-version=2019-05-01')).body).toMatchObject([{}]);
});

test.each([
  ['App Service', '/msi/token?api-version=2019-08-01&resource=', 'x-identity-header'],
  ['a VM', '/metadata/identity/oauth2/token?api-version=2018-02-01&resource=', 'metadata'],
])('a managed identity signs in by the endpoint of %s', async (_, path, header) => {
  const value = header === 'metadata' ? 'true' : (azure.environment['IDENTITY_HEADER'] ?? '');
  const url = `${path}${encodeURIComponent('https://management.core.windows.net/')}`;
  const { status, body } = await azure.ask('GET', url, { headers: { [header]: value } });
  expect(status).toBe(200);
  const token = z.looseObject({ access_token: z.string() }).parse(body).access_token;
  const subscriptions = await azure.ask('GET', '/subscriptions?api-version=2022-12-01', { token });
  expect(subscriptions.body).toMatchObject({
    value: expect.arrayContaining([expect.objectContaining({ subscriptionId: platform })]),
  });
});

/** Run commands as resources: where their scripts come from, what of their output is kept, and what is refused. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BlobSASPermissions, BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { z } from 'zod';
import { compute, makeNetwork, putVm, vmProperties } from './simulator.compute.support';
import { account, accounts, keysOf } from './simulator.storage.support';
import { type Answer, type Arm, armOf, errorOf, location, startTestAzure, type TestAzure } from './simulator.support';

const vm = compute('virtualMachines/vm');
const secret = 'never shown';

let azure: TestAzure;
let arm: Arm;
/** A script of this Azure's blob service, under a signature. */
let scriptUri: string;

beforeAll(async () => {
  azure = await startTestAzure();
  arm = await armOf(azure);
  await makeNetwork(arm);
  await putVm(arm, 'vm', await vmProperties(arm, 'vm'));
  await arm('PUT', accounts('scripts1'), account);
  const [key = ''] = keysOf((await arm('POST', `${accounts('scripts1')}/listKeys`)).body);
  const service = new BlobServiceClient(`${azure.url}/scripts1`, new StorageSharedKeyCredential('scripts1', key));
  await service.createContainer('data');
  const blob = service.getContainerClient('data').getPageBlobClient('setup.sh');
  const page = Buffer.alloc(512);
  page.write('echo from the blob for $WHO\nexit 5\n');
  await blob.create(page.length);
  await blob.uploadPages(page, 0, page.length);
  scriptUri = await blob.generateSasUrl({
    permissions: BlobSASPermissions.parse('r'),
    expiresOn: new Date(Date.now() + 3_600_000),
  });
});
afterAll(async () => azure.stop());

const put = async (name: string, properties: object): Promise<Answer> => {
  // A machine takes twelve at once, and four a minute (azure-facts §1c).
  azure.advance(60);
  return arm('PUT', `${vm}/runCommands/${name}`, { location, properties });
};
const shape = z.object({ properties: z.looseObject({ instanceView: z.looseObject({ exitCode: z.number() }) }) });
const view = async (name: string): Promise<z.infer<typeof shape>['properties']> => {
  const token = await azure.token('sentry-orchestrator');
  const path = `${vm}/runCommands/${name}?$expand=instanceView&api-version=2024-07-01`;
  const { properties } = shape.parse((await azure.ask('GET', path, { token })).body);
  expect(JSON.stringify(properties)).not.toContain(secret);
  return properties;
};

test('a script by its URI is downloaded by its signature', async () => {
  const made = await put('blob', { source: { scriptUri }, parameters: [{ name: 'WHO', value: 'me' }] });
  expect([made.status, made.body]).toMatchObject([201, { properties: { source: { scriptUri } } }]);
  expect((await view('blob')).instanceView).toMatchObject({
    executionState: 'Failed',
    exitCode: 5,
    output: 'from the blob for me\n',
  });
});

test.each([
  ['a URI that leads nowhere', () => 'https://example.com/missing.sh'],
  ['a signature that is not good', () => scriptUri.replace(/sig=[^&]{4}/, 'sig=AAAA')],
  ['no signature', () => scriptUri.split('?', 1)[0] ?? ''],
])('%s: the download fails, as the machine tells', async (_, uri) => {
  await put('missing', { source: { scriptUri: uri() } });
  expect(await view('missing')).toMatchObject({
    provisioningState: 'Succeeded',
    instanceView: {
      executionState: 'Failed',
      exitCode: -100,
      executionMessage: expect.stringContaining('File downloads failed.'),
    },
  });
});

test('a rehearsal answers for a script of elsewhere', async () => {
  const body = { contains: 'elsewhere.sh', stdout: 'done', exitCode: 0 };
  await azure.ask('POST', '/_simulator/vms/scripts', { body });
  await put('elsewhere', { source: { scriptUri: 'https://example.com/elsewhere.sh' } });
  expect((await view('elsewhere')).instanceView).toMatchObject({
    executionState: 'Succeeded',
    exitCode: 0,
    output: 'done',
  });
});

test('one of Azure’s own scripts, by its command', async () => {
  const body = { contains: 'ifconfig', stdout: 'eth0: inet 10.0.0.4' };
  await azure.ask('POST', '/_simulator/vms/scripts', { body });
  await put('own', { source: { commandId: 'ifconfig' } });
  expect((await view('own')).instanceView).toMatchObject({
    executionState: 'Succeeded',
    output: expect.stringContaining('inet'),
  });
  const unknown = await put('unknown', { source: { commandId: 'NoSuchCommand' } });
  expect([unknown.status, errorOf(unknown)]).toEqual([404, 'NotFound']);
});

test('the last 4,096 bytes of each stream are kept; what is protected is never shown', async () => {
  const long = 'x'.repeat(5000);
  await azure.ask('POST', '/_simulator/vms/scripts', {
    body: { contains: 'long script', stdout: `${long}end`, stderr: `${long}error`, exitCode: 9 },
  });
  const made = await put('long', {
    source: { script: 'long script' },
    runAsUser: 'me',
    runAsPassword: secret,
    protectedParameters: [{ name: 'PIN', value: secret }],
  });
  expect(JSON.stringify(made.body)).not.toContain(secret);
  const { instanceView } = await view('long');
  expect(instanceView).toMatchObject({
    exitCode: 9,
    output: `${'x'.repeat(4093)}end`,
    error: `${'x'.repeat(4091)}error`,
  });
});

test.each([
  ['no source', {}, 'InvalidParameter'],
  ['two sources', { source: { script: 'true', commandId: 'ifconfig' } }, 'InvalidParameter'],
])('%s is refused', async (_, properties, code) => {
  const refused = await put('refused', { source: {}, ...properties });
  expect([refused.status, errorOf(refused)]).toEqual([400, code]);
});

test.each([
  ['outputBlobUri', { outputBlobUri: 'https://x.blob.core.windows.net/c/out' }],
  ['errorBlobUri', { errorBlobUri: 'https://x.blob.core.windows.net/c/err' }],
  ['outputBlobManagedIdentity', { outputBlobManagedIdentity: {} }],
])('%s is refused in words', async (name, more) => {
  const refused = await put('refused', { source: { script: 'true' }, ...more });
  expect([refused.status, refused.body]).toMatchObject([
    400,
    { error: { code: 'NotSimulated', message: expect.stringContaining(name), details: [{ code: 'NotSimulated' }] } },
  ]);
  expect((await arm('GET', `${vm}/runCommands/refused`)).status).toBe(404);
});

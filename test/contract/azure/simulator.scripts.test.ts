/** Run command in both forms, and what a machine sends. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ComputeManagementClient } from '@azure/arm-compute';
import { ManagedIdentityCredential } from '@azure/identity';
import { z } from 'zod';
import { compute, makeNetwork, putVm, vmProperties } from './simulator.compute.support';
import {
  all,
  type Answer,
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  pathOf,
  platform,
  startTestAzure,
  type TestAzure,
} from './simulator.support';

const setUp = 'sudo /opt/cloudknox/sentrysoftwareservice/bin/runAzureConfigCLI.sh';
const vm = compute('virtualMachines/vm');

let azure: TestAzure;
let arm: Arm;

beforeAll(async () => {
  azure = await startTestAzure({
    ...instant,
    timings: { ...instant.timings, runCommand: 20, virtualMachineAction: 10 },
  });
  arm = await armOf(azure);
  await makeNetwork(arm);
  await putVm(arm, 'vm', await vmProperties(arm, 'vm'));
});
afterAll(async () => azure.stop());

const invoke = async (...script: string[]): Promise<Answer> =>
  arm('POST', `${vm}/runCommand`, {
    commandId: 'RunShellScript',
    script,
    parameters: [{ name: 'who', value: 'world' }],
  });

/** Compute's Location is told from its Azure-AsyncOperation by the query alone. */
const located = async (url: string): Promise<Answer> => {
  const { pathname, search } = new URL(url);
  return azure.ask('GET', `${pathname}${search}`, { token: await azure.token('sentry-orchestrator') });
};

describe('run command', () => {
  const message = async (...script: string[]): Promise<string> => {
    const { status, header } = await invoke(...script);
    expect(status).toBe(202);
    expect(await arm('GET', pathOf(header('azure-asyncoperation')))).toMatchObject({ body: { status: 'InProgress' } });
    expect(await located(header('location'))).toMatchObject({ status: 202 });
    azure.advance(20);
    const done = await arm('GET', pathOf(header('azure-asyncoperation')));
    const value = z.object({ value: z.array(z.looseObject({ message: z.string() })) });
    const { properties } = z.object({ properties: z.object({ output: value }) }).parse(done.body);
    expect((await located(header('location'))).body).toEqual(properties.output);
    return properties.output.value[0]?.message ?? '';
  };

  test('runs what a machine knows, and says what it does not know', async () => {
    expect(await message('hostname', 'echo "hello $who"; whoami', 'systemctl is-active sshd')).toBe(
      'Enable succeeded: \n[stdout]\nvm\nhello world\nroot\nactive\n\n[stderr]\n',
    );
    expect(await message('frobnicate')).toContain('frobnicate: command not found');
    // As on the appliance itself: its questions need a terminal.
    expect(await message(setUp)).toContain('[stderr]\nsudo: sorry, you must have a tty to run sudo');
  });

  test('gives the answer that was given beforehand, and the last 4,096 bytes of it', async () => {
    const stdout = `${'x'.repeat(5000)}end`;
    await azure.ask('POST', '/_simulator/vms/scripts', { body: { contains: 'runAzureConfig', stdout } });
    expect(await message(setUp)).toBe(`Enable succeeded: \n[stdout]\n${stdout.slice(-4096)}\n[stderr]\n`);
    await azure.ask('DELETE', '/_simulator/vms/scripts');
  });

  test('one at a time, and on a running machine only', async () => {
    expect((await invoke('true')).status).toBe(202);
    const second = await invoke('true');
    expect([second.status, errorOf(second)]).toEqual([409, 'Conflict']);
    azure.advance(20);
    await arm('POST', `${vm}/powerOff`);
    const stopped = await invoke('true');
    expect(stopped).toMatchObject({
      status: 409,
      body: { error: { message: 'Cannot modify extensions in the VM when the VM is not running.' } },
    });
    await arm('POST', `${vm}/start`);
    azure.advance(10);
    expect(errorOf(await arm('POST', `${vm}/runCommand`, { commandId: 'None' }))).toBe('NotFound');
  });
});

describe('run commands as resources', () => {
  const put = async (name: string, properties: object): Promise<Answer> =>
    arm('PUT', `${vm}/runCommands/${name}`, { location, properties });
  const view = async (name: string): Promise<unknown> => {
    const token = await azure.token('sentry-orchestrator');
    const { body } = await azure.ask('GET', `${vm}/runCommands/${name}?$expand=instanceView&api-version=2024-07-01`, {
      token,
    });
    const { properties } = z.object({ properties: z.looseObject({ instanceView: z.unknown() }) }).parse(body);
    return { state: properties['provisioningState'], view: properties.instanceView };
  };

  test('tell how a script went; a protected parameter is never shown', async () => {
    const made = await put('one', {
      source: { script: 'echo $PIN; sleep 30; exit 3' },
      parameters: [{ name: 'A', value: 'b' }],
      protectedParameters: [{ name: 'PIN', value: 'secret' }],
    });
    expect(made).toMatchObject({
      status: 201,
      body: { properties: { provisioningState: 'Creating', parameters: [{ name: 'A' }] } },
    });
    expect(JSON.stringify(made.body)).not.toContain('secret');
    azure.advance(20);
    expect(await view('one')).toMatchObject({ state: 'Creating', view: { executionState: 'Running' } });
    azure.advance(30);
    expect(await view('one')).toMatchObject({
      state: 'Succeeded',
      view: { executionState: 'Failed', exitCode: 3, output: 'secret\n' },
    });
  });

  test('run on beside the operation when asynchronous, and stop at their time limit', async () => {
    await put('async', { source: { script: 'sleep 100' }, asyncExecution: true });
    await put('timed', { source: { script: 'sleep 100' }, timeoutInSeconds: 10 });
    azure.advance(20);
    expect(await view('async')).toMatchObject({ state: 'Succeeded', view: { executionState: 'Running' } });
    azure.advance(10);
    expect(await view('timed')).toMatchObject({
      state: 'Succeeded',
      view: { executionState: 'TimedOut', exitCode: -1 },
    });
  });

  test('fail the deployment where that was asked for', async () => {
    const { header } = await put('strict', { source: { script: 'false' }, treatFailureAsDeploymentFailure: true });
    azure.advance(20);
    expect((await arm('GET', pathOf(header('azure-asyncoperation')))).body).toMatchObject({
      status: 'Failed',
      error: { code: 'VMExtensionProvisioningError' },
    });
    expect((await arm('DELETE', `${vm}/runCommands/strict`)).status).toBe(202);
  });
});

describe('metrics', () => {
  const ask = async (query: string): Promise<Answer> => {
    const token = await azure.token('sentry-orchestrator');
    return azure.ask('GET', `${vm}/providers/Microsoft.Insights/metrics?api-version=2023-10-01&${query}`, { token });
  };
  const totals = async (interval = 'PT1M'): Promise<number[]> => {
    const { body } = await ask(`metricnames=Network%20Out%20Total&aggregation=Total&interval=${interval}`);
    const shape = z.object({
      value: z.tuple([
        z.object({ timeseries: z.tuple([z.object({ data: z.array(z.object({ total: z.number() })) })]) }),
      ]),
    });
    return shape.parse(body).value[0].timeseries[0].data.map(({ total }) => total);
  };

  test('a machine that collects sends more, one that is stopped nothing', async () => {
    azure.advance(600);
    const idle = (await totals()).at(-2) ?? 0;
    expect(idle).toBe(42_000);
    const bytesPerMinute = 1_000_000;
    await azure.ask('POST', '/_simulator/vms/traffic', { body: { vmId: vm, bytesPerMinute } });
    azure.advance(600);
    expect((await totals()).at(-2)).toBe(idle + bytesPerMinute);
    expect((await totals('PT1H')).reduce((sum, one) => sum + one)).toBeGreaterThan(9 * bytesPerMinute);
    await arm('POST', `${vm}/powerOff`);
    azure.advance(300);
    expect((await totals()).at(-2)).toBe(0);
    await arm('POST', `${vm}/start`);
    azure.advance(300);
    expect((await totals()).at(-2)).toBe(idle + bytesPerMinute);
  });

  test.each([
    [
      'metricnames=Nothing',
      'Failed to find metric configuration for provider: Microsoft.Compute, resource Type: virtualMachines, metric: Nothing, Valid metrics: Network Out Total,Network In Total,Percentage CPU',
    ],
    ['interval=PT7M', 'Detect invalid time grain input'],
    ['timespan=x', 'Invalid timespan input'],
    ['aggregation=Median', 'Invalid aggregation type'],
  ])('%s is refused', async (query, message) => {
    expect(await ask(query)).toMatchObject({
      status: 400,
      body: { code: 'BadRequest', message: expect.stringContaining(message) as unknown },
    });
  });

  test('what there is to measure can be asked', async () => {
    const { body } = await arm('GET', `${vm}/providers/Microsoft.Insights/metricDefinitions`);
    expect(body).toMatchObject({
      value: [{ name: { value: 'Network Out Total' }, primaryAggregationType: 'Total' }, {}, {}],
    });
  });
});

test('the real SDK does the same', async () => {
  Object.assign(process.env, {
    IDENTITY_ENDPOINT: azure.environment['IDENTITY_ENDPOINT'],
    IDENTITY_HEADER: azure.environment['IDENTITY_HEADER'],
  });
  const retryOptions = { maxRetries: 0 };
  const client = new ComputeManagementClient(new ManagedIdentityCredential({ retryOptions }), platform, {
    endpoint: azure.url,
    retryOptions,
  });
  const running = client.virtualMachines.runCommand('rg', 'vm', { commandId: 'RunShellScript', script: ['echo hi'] });
  const disk = client.disks.createOrUpdate('rg', 'by-sdk', {
    location,
    creationData: { createOption: 'Empty' },
    diskSizeGB: 4,
  });
  const command = client.virtualMachineRunCommands.createOrUpdate('rg', 'vm', 'by-sdk', {
    location,
    source: { script: 'echo hi' },
  });
  // Until the requests above are there, whose operations then have 20 seconds to run.
  for (;;) {
    const { body } = await azure.ask('GET', '/_simulator/requests?full=true');
    if (JSON.stringify(body).includes('by-sdk') && JSON.stringify(body).includes('disks/by-sdk')) break;
  }
  azure.advance(60);
  expect((await running).value?.[0]?.message).toContain('hi');
  expect((await disk).diskState).toBe('Unattached');
  expect((await command).provisioningState).toBe('Succeeded');
  const skus = await all(client.resourceSkus.list({ filter: "location eq 'westeurope'" }));
  expect(skus.find(({ name }) => name === 'Standard_B2s')?.restrictions?.[0]?.reasonCode).toBe(
    'NotAvailableForSubscription',
  );
  expect((await all(client.usage.list('westeurope')))[0]?.name?.value).toBe('cores');
});

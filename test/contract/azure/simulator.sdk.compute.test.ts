/** Machines by the client of Microsoft.Compute: what is done to one, what a region offers, and its metrics. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { machine, makeMachine, ubuntu } from './simulator.sdk.machines';
import { drained, group, TestClients, within } from './simulator.sdk.support';
import { all, instant, location, startTestAzure, type TestAzure } from './simulator.support';

let azure: TestAzure;
let of: TestClients;
const vm = within('Microsoft.Compute/virtualMachines/vm');

beforeAll(async () => {
  azure = await startTestAzure({ ...instant, timings: { ...instant.timings, virtualMachineAction: 10 } });
  of = await TestClients.of(azure);
  await makeMachine(of, 'vm');
});
afterAll(async () => azure.stop());

describe('power', () => {
  const machines = () => of.compute.virtualMachines;
  /** Begins it, and lets it end. */
  const acted = async (call: () => Promise<{ poll(): Promise<unknown> }>): Promise<void> => {
    const poller = await call();
    await poller.poll();
    const { url, body } = of.last('GET', '/operations/');
    expect([url.includes('monitor='), JSON.parse(body)]).toMatchObject([false, { status: 'InProgress' }]);
    azure.advance(10);
    await poller.poll();
  };
  const power = async (): Promise<unknown> =>
    (await machines().instanceView(group, 'vm')).statuses?.find(({ code }) => code?.startsWith('PowerState/'))?.code;

  test.each([
    ['powerOff', 'PowerState/stopped', async () => machines().beginPowerOff(group, 'vm')],
    ['start', 'PowerState/running', async () => machines().beginStart(group, 'vm')],
    ['restart', 'PowerState/running', async () => machines().beginRestart(group, 'vm')],
    ['deallocate', 'PowerState/deallocated', async () => machines().beginDeallocate(group, 'vm')],
  ])('%s is accepted, polled and done', async (action, state, call) => {
    await acted(call);
    const accepted = of.last('POST', `/vm/${action}`);
    expect([accepted.status, accepted.body]).toEqual([202, '']);
    expect(accepted.header('retry-after')).toBe('5');
    const polled = accepted.header('azure-asyncoperation');
    expect(accepted.header('location')).toBe(polled.replace('?', '?monitor=true&'));
    expect(await power()).toBe(state);
  });

  test('what is not running runs no script, and is generalized', async () => {
    const refused = await of.refusal(() => machines().runCommand(group, 'vm', { commandId: 'RunShellScript', script: [] }));
    expect(refused).toMatchObject({ status: 409, code: 'OperationNotAllowed', message: 'Cannot modify extensions in the VM when the VM is not running.' });
    expect(await of.statusOf(() => machines().generalize(group, 'vm'))).toBe(200);
    expect(await of.refusal(() => machines().start(group, 'vm'))).toMatchObject({
      status: 409,
      code: 'OperationNotAllowed',
      message: "Operation 'start' is not allowed on VM 'vm' since the VM is generalized.",
    });
    expect(await of.refusal(() => machines().restart(group, 'vm'))).toMatchObject({ code: 'OperationNotAllowed' });
  }); // prettier-ignore

  test.each([
    ['start', () => machines().start(group, 'none')],
    ['restart', () => machines().restart(group, 'none')],
    ['powerOff', () => machines().powerOff(group, 'none')],
    ['deallocate', () => machines().deallocate(group, 'none')],
    ['generalize', () => machines().generalize(group, 'none')],
    ['runCommand', () => machines().runCommand(group, 'none', { commandId: 'RunShellScript', script: ['true'] })],
    ['retrieveBootDiagnosticsData', () => machines().retrieveBootDiagnosticsData(group, 'none')],
    ['instanceView', () => machines().instanceView(group, 'none')],
  ])('%s misses a machine that is not there', async (_, call) => {
    expect(await of.refusal(call)).toMatchObject({ status: 404, code: 'ResourceNotFound' });
  });

  test('boot diagnostics are asked of a machine that has none, and of one that has', async () => {
    const ask = () => machines().retrieveBootDiagnosticsData(group, 'vm');
    expect(await of.refusal(ask)).toMatchObject({ status: 409, code: 'OperationNotAllowed' });
    await machines().update(group, 'vm', { diagnosticsProfile: { bootDiagnostics: { enabled: true } } });
    expect(await of.refusal(ask)).toMatchObject({ status: 400, code: 'NotSimulated' });
  });
});

describe('a region', () => {
  const image = [location, ubuntu.publisher, ubuntu.offer, ubuntu.sku] as const;

  test('has images and sizes, and tells how much is used', async () => {
    const versions = await of.compute.virtualMachineImages.list(...image);
    expect(versions.map(({ name }) => name)).toEqual(['22.04.202611010']);
    expect(await of.compute.virtualMachineImages.get(...image, '22.04.202611010')).toMatchObject({
      hyperVGeneration: 'V2',
      osDiskImage: { operatingSystem: 'Linux' },
    });
    const sizes = await all(of.compute.virtualMachineSizes.list(location));
    expect(sizes.find(({ name }) => name === 'Standard_D4s_v3')).toMatchObject({ numberOfCores: 4, memoryInMB: 16_384 });
    expect(await drained(of.compute.resourceSkus.list({ filter: `location eq '${location}'` }))).toBeGreaterThan(0);
    const used = await all(of.compute.usage.list(location));
    expect(used.find(({ name }) => name?.value === 'standardDSv3Family')).toMatchObject({ currentValue: 4, limit: 500 });
    const network = await all(of.network.usages.list(location));
    expect(network.find(({ name }) => name?.value === 'NetworkInterfaces')).toMatchObject({ currentValue: 1 });
  }); // prettier-ignore

  test('an image that it has not is missed; a filter that is none is refused', async () => {
    expect(await of.refusal(() => of.compute.virtualMachineImages.get(...image, '0.0.0'))).toMatchObject({
      status: 404,
      code: 'NotFound',
      message: 'Artifact: VMImage was not found.',
    });
    expect(await of.refusal(() => drained(of.compute.resourceSkus.list({ filter: 'name eq 1' })))).toMatchObject({
      status: 400,
      code: 'InvalidFilterInQueryString',
    });
  });
});

describe('metrics', () => {
  const list = (rest: Readonly<Record<string, string>>) => () => of.monitor.metrics.list(vm, rest);

  test('tell what a machine sends, minute by minute', async () => {
    const defined = await all(of.monitor.metricDefinitions.list(vm));
    expect(defined.map(({ name }) => name?.value)).toEqual(['Network Out Total', 'Network In Total', 'Percentage CPU']);
    expect(defined[0]).toMatchObject({ unit: 'Bytes', primaryAggregationType: 'Total', namespace: 'Microsoft.Compute/virtualMachines' });
    await makeMachine(of, 'sending');
    azure.advance(600);
    const id = within('Microsoft.Compute/virtualMachines/sending');
    const sent = await of.monitor.metrics.list(id, { metricnames: 'Network Out Total', interval: 'PT1M', aggregation: 'Total,Count' });
    const points = sent.value[0]?.timeseries[0]?.data ?? [];
    expect(sent).toMatchObject({ namespace: 'Microsoft.Compute/virtualMachines', resourceregion: location, interval: 'PT1M' });
    expect(points).toHaveLength(60);
    expect(points.at(-1)).toMatchObject({ total: 42_000, count: 1, timeStamp: expect.any(Date) as unknown });
    const idle = await of.monitor.metrics.list(vm, { metricnames: 'Percentage CPU,Network In Total', interval: 'PT1H', aggregation: 'Average' });
    expect(idle.value.map(({ unit }) => unit)).toEqual(['Percent', 'Bytes']);
  }); // prettier-ignore

  // Azure Monitor's refusals have no `error` around them.
  test.each([
    ['a metric that is none', { metricnames: 'Nothing' }, 'BadRequest', /^Failed to find metric configuration for provider: Microsoft.Compute, resource Type: virtualMachines, metric: Nothing, Valid metrics: /],
    ['an interval that is none', { interval: 'PT7M' }, 'BadRequest', /^Detect invalid time grain input/],
    ['a timespan that is none', { timespan: 'yesterday' }, 'BadRequest', /^Invalid timespan input/],
    ['an aggregation that is none', { aggregation: 'Median' }, 'BadRequest', /^Invalid aggregation type: Median/],
    ['a namespace that is none', { metricnamespace: 'Microsoft.Other/things' }, 'BadRequest', /^Failed to find metric namespace/],
    ['a filter', { filter: "LUN eq '0'" }, 'NotSimulated', /^\$filter is not simulated/],
  ])('%s is refused', async (_, asked, code, message) => {
    const refused = await of.refusal(list(asked));
    expect(refused).toMatchObject({ status: 400, code });
    expect(refused.message).toMatch(message);
    const body: unknown = JSON.parse(of.last('GET', '/metrics').body);
    expect(body).toHaveProperty(code === 'BadRequest' ? 'code' : 'error.code', code);
  }); // prettier-ignore

  test('of a machine that is not there are missed', async () => {
    const none = within('Microsoft.Compute/virtualMachines/none');
    expect(await of.refusal(() => of.monitor.metrics.list(none))).toMatchObject({ status: 404, code: 'ResourceNotFound' });
  }); // prettier-ignore
});

test('a machine is described as it was asked for, without its secrets', async () => {
  const asked = machine('vm');
  const { osProfile, storageProfile, hardwareProfile } = await of.compute.virtualMachines.get(group, 'vm');
  expect(hardwareProfile).toMatchObject(asked.hardwareProfile);
  expect(storageProfile?.imageReference).toMatchObject({ ...ubuntu, exactVersion: '22.04.202611010' });
  expect(osProfile).toMatchObject({ adminUsername: 'me' });
  expect(osProfile?.adminPassword).toBeUndefined();
});

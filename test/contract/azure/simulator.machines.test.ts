/** Machines: every refusal of a new one, power, and what a region offers. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compute, makeNetwork, osProfile, putVm, ubuntu, vmProperties } from './simulator.compute.support';
import { type Arm, armOf, instant, platform, startTestAzure, type TestAzure } from './simulator.support';

let azure: TestAzure;
let arm: Arm;

beforeAll(async () => {
  azure = await startTestAzure({
    ...instant,
    timings: { ...instant.timings, virtualMachineAction: 15 },
    vmSizes: {
      ...instant.vmSizes,
      Standard_D1_v1: { cores: 1, family: 'old', memoryGb: 2, generations: ['V1'], maxDataDisks: 1 },
      Standard_Zonal: { cores: 1, family: 'zonal', memoryGb: 2, unavailableZones: ['2'] },
      Standard_Big: { cores: 96, family: 'big', memoryGb: 2 },
    },
    quotas: { default: 100, families: { big: 64 }, regional: 200 },
  });
  arm = await armOf(azure);
  await makeNetwork(arm);
});
afterAll(async () => azure.stop());

describe('a machine is refused', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHRlc3Q test';
  const ssh = (path: string, keyData = key): unknown => ({
    adminUsername: 'me',
    linuxConfiguration: { disablePasswordAuthentication: true, ssh: { publicKeys: [{ path, keyData }] } },
  });
  const home = '/home/me/.ssh/authorized_keys';
  const storageProfile = { imageReference: ubuntu };
  const size = (vmSize: string): unknown => ({ hardwareProfile: { vmSize } });
  const parameter = (target: string): object => ({
    status: 400,
    body: { error: { code: 'InvalidParameter', target } },
  });
  const sku = { status: 409, body: { error: { code: 'SkuNotAvailable' } } };
  const quota = (what: string): object => ({
    status: 409,
    body: {
      error: {
        code: 'OperationNotAllowed',
        message: expect.stringContaining(`exceeding approved ${what} quota`) as unknown,
      },
    },
  });
  const data = (lun: number): unknown => ({ createOption: 'Empty', lun, diskSizeGB: 4 });

  test.each<[string, unknown, object, Record<string, unknown>?]>([
    ['without an OS profile', { osProfile: undefined }, parameter('osProfile')],
    [
      'with an administrator named root',
      { osProfile: { ...osProfile, adminUsername: 'root' } },
      parameter('adminUsername'),
    ],
    ['with a weak password', { osProfile: { ...osProfile, adminPassword: 'weak' } }, parameter('adminPassword')],
    [
      'with no way in',
      { osProfile: { adminUsername: 'me', linuxConfiguration: { disablePasswordAuthentication: true } } },
      parameter('linuxConfiguration'),
    ],
    [
      'with a key elsewhere',
      { osProfile: ssh('/root/.ssh/authorized_keys') },
      parameter('linuxConfiguration.ssh.publicKeys.path'),
    ],
    [
      'with a key that is none',
      { osProfile: ssh(home, 'ssh-rsa hello') },
      parameter('linuxConfiguration.ssh.publicKeys.keyData'),
    ],
    ['with a wrong host name', { osProfile: { ...osProfile, computerName: 'a_b' } }, parameter('computerName')],
    [
      'with custom data in the clear',
      { osProfile: { ...osProfile, customData: '#!/bin/sh' } },
      parameter('customData'),
    ],
    ['of an unknown size', size('Standard_None'), parameter('vmSize')],
    ['of a size that the region lacks', size('Standard_B2s'), sku],
    ['of a size that the zone lacks', size('Standard_Zonal'), sku, { zones: ['2'] }],
    ['over the quota of the family', size('Standard_Big'), quota('big Cores')],
    [
      'of a size that cannot boot the image',
      size('Standard_D1_v1'),
      { status: 400, body: { error: { code: 'BadRequest' } } },
    ],
    [
      'with a disk smaller than the image',
      { storageProfile: { ...storageProfile, osDisk: { createOption: 'FromImage', diskSizeGB: 8 } } },
      parameter('osDisk.diskSizeGB'),
    ],
    [
      'with two disks at a LUN',
      { storageProfile: { ...storageProfile, dataDisks: [data(1), data(1)] } },
      parameter('dataDisk.lun'),
    ],
    [
      'with more data disks than the size takes',
      { storageProfile: { ...storageProfile, dataDisks: [0, 1, 2, 3, 4, 5, 6, 7, 8].map(data) } },
      { status: 409 },
    ],
    [
      'of an image that is not there',
      { storageProfile: { imageReference: { ...ubuntu, sku: 'none' } } },
      { status: 404, body: { error: { code: 'PlatformImageNotFound' } } },
    ],
    [
      'whose plan’s terms nobody accepted',
      {},
      { status: 400, body: { error: { code: 'ResourcePurchaseValidationFailed' } } },
      { plan: { name: 'a', publisher: 'b', product: 'c' } },
    ],
  ])('%s', async (_, more, expected, beside = {}) => {
    // The machine is put more often than Azure lets one be in a minute.
    azure.advance(60);
    const properties = { ...(await vmProperties(arm, 'refused')), ...(more as object) };
    expect(await putVm(arm, 'refused', properties, beside)).toMatchObject(expected);
    expect((await arm('GET', compute('virtualMachines/refused'))).status).toBe(404);
  });

  test('that would have another image, user or disk than it has', async () => {
    const properties = await vmProperties(arm, 'fixed');
    await putVm(arm, 'fixed', properties);
    const change = async (more: object): Promise<unknown> =>
      (await putVm(arm, 'fixed', { ...properties, ...more })).body;
    const refusal = (target: string): object => ({ error: { code: 'PropertyChangeNotAllowed', target } });
    expect(await change({ osProfile: { ...osProfile, adminUsername: 'you' } })).toMatchObject(
      refusal('osProfile.adminUsername'),
    );
    expect(await change({ storageProfile: { imageReference: { ...ubuntu, sku: 'x' } } })).toMatchObject(
      refusal('imageReference'),
    );
    const osDisk = { createOption: 'FromImage', name: 'other' };
    expect(await change({ storageProfile: { imageReference: ubuntu, osDisk } })).toMatchObject(refusal('osDisk.name'));
  });
});

describe('power', () => {
  const statuses = async (): Promise<unknown> =>
    (
      (await arm('GET', `${compute('virtualMachines/power')}/instanceView`)).body as { statuses: { code: string }[] }
    ).statuses.at(-1)?.code;
  const act = async (action: string): Promise<number> =>
    (await arm('POST', `${compute('virtualMachines/power')}/${action}`)).status;

  test('goes through its states; a stopped machine keeps its disk, a deallocated one reserves it', async () => {
    const made = await putVm(
      arm,
      'power',
      await vmProperties(arm, 'power', {
        diagnosticsProfile: { bootDiagnostics: { enabled: true, storageUri: `https://vhdstore.example.com/` } },
      }),
    );
    expect(made.status).toBe(201);
    expect(await statuses()).toBe('PowerState/running');
    expect((await arm('GET', `${compute('virtualMachines/power')}/instanceView`)).body).toMatchObject({
      bootDiagnostics: {
        serialConsoleLogBlobUri: expect.stringContaining('example.com/bootdiagnostics-power-') as unknown,
      },
      vmAgent: { statuses: [{ displayStatus: 'Ready' }] },
    });
    for (const [action, during, after] of [
      ['powerOff', 'stopping', 'stopped'],
      ['start', 'starting', 'running'],
      ['deallocate', 'deallocating', 'deallocated'],
      ['powerOff', 'deallocated', 'deallocated'],
    ] as const) {
      expect(await act(action)).toBe(202);
      expect(await statuses()).toBe(`PowerState/${during}`);
      azure.advance(15);
      expect(await statuses()).toBe(`PowerState/${after}`);
    }
    expect(await act('restart')).toBe(409);
    const { body } = await arm('GET', compute('disks'));
    expect(body).toMatchObject({
      value: expect.arrayContaining([
        expect.objectContaining({
          managedBy: compute('virtualMachines/power'),
          properties: expect.objectContaining({ diskState: 'Reserved' }) as unknown,
        }),
      ]) as unknown,
    });
  });
});

describe('what a region offers', () => {
  const region = `/subscriptions/${platform}/providers/Microsoft.Compute`;
  const skus = async (filter: string): Promise<unknown> => {
    const token = await azure.token('sentry-orchestrator');
    return (
      await azure.ask('GET', `${region}/skus?api-version=2021-07-01&$filter=${encodeURIComponent(filter)}`, { token })
    ).body;
  };

  test('sizes by location, with their restrictions', async () => {
    expect(await skus("location eq 'westeurope'")).toMatchObject({
      value: expect.arrayContaining([
        expect.objectContaining({
          name: 'Standard_B2s',
          restrictions: [expect.objectContaining({ type: 'Location' })],
        }),
        expect.objectContaining({
          name: 'Standard_Zonal',
          restrictions: [
            expect.objectContaining({ type: 'Zone', restrictionInfo: { locations: ['westeurope'], zones: ['2'] } }),
          ],
        }),
        expect.objectContaining({ name: 'Standard_D4s_v3', restrictions: [], locations: ['westeurope'] }),
      ]) as unknown,
    });
    expect(await skus("name eq 'x'")).toMatchObject({ error: { code: 'InvalidFilterInQueryString' } });
  });

  test('usages are counted from what there is', async () => {
    const { body } = await arm('GET', `${region}/locations/westeurope/usages`);
    const cores = (body as { value: { name: { value: string }; currentValue: number; limit: number }[] }).value;
    const machines = cores.find(({ name }) => name.value === 'virtualMachines')?.currentValue ?? 0;
    expect(cores.find(({ name }) => name.value === 'standardDSv3Family')?.currentValue).toBe(machines * 4);
    const net = await arm('GET', `/subscriptions/${platform}/providers/Microsoft.Network/locations/westeurope/usages`);
    expect(net.body).toMatchObject({
      value: [{ name: { value: 'VirtualNetworks' }, currentValue: 1, limit: 1000 }, {}, {}, {}, {}],
    });
  });
});

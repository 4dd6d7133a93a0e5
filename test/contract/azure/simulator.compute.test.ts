/** Disks, images and machines: from a VHD to a machine, and every refusal on the way. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compute, makeNetwork, osProfile, putVm, ubuntu, vmProperties } from './simulator.compute.support';
import {
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  network,
  platform,
  startTestAzure,
  type TestAzure,
} from './simulator.support';

const GIB = 2 ** 30;
const good = 'https://download.example.com/good.vhd';
const bad = 'https://download.example.com/bad.vhd';
const odd = 'https://download.example.com/odd.vhd';

let azure: TestAzure;
let arm: Arm;
let storage: string;
/** A copy of a download in the account, as the administrator makes it. */
let copied: (source: string, name: string) => Promise<string>;

beforeAll(async () => {
  azure = await startTestAzure({
    ...instant,
    downloads: [
      { url: good, bytes: 31 * GIB + 512 },
      { url: bad, bytes: 31 * GIB + 512, isVhd: false },
      { url: odd, bytes: 31 * GIB + 1024 },
    ],
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
  storage = `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/vhdstore`;
  await arm('PUT', storage, { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } });
  await arm('PUT', `${storage}/blobServices/default/containers/vhds`, {});
  const administrator = await azure.token('administrator');
  await azure.ask(
    'PUT',
    `${storage}/providers/Microsoft.Authorization/roleAssignments/0b000000-0000-4000-8000-000000000001?api-version=2022-04-01`,
    {
      token: administrator,
      body: {
        properties: {
          roleDefinitionId: '/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe',
          principalId: 'a0000000-0000-4000-8000-000000000002',
          principalType: 'ServicePrincipal',
        },
      },
    },
  );
  const token = await azure.token('administrator', 'https://storage.azure.com');
  copied = async (source, name) => {
    const headers = { 'x-ms-version': '2021-12-02', 'x-ms-copy-source': source };
    const { status } = await azure.ask('PUT', `/vhdstore/vhds/${name}`, { token, headers });
    expect(status).toBe(202);
    return `${azure.url}/vhdstore/vhds/${name}`;
  };
});
afterAll(async () => azure.stop());

const importing = (sourceUri: string, more: object = {}): unknown => ({
  location,
  properties: { osType: 'Linux', creationData: { createOption: 'Import', sourceUri }, ...more },
});

describe('disks', () => {
  const empty = (diskSizeGB?: number): unknown => ({
    location,
    properties: { creationData: { createOption: 'Empty' }, ...(diskSizeGB === undefined ? {} : { diskSizeGB }) },
  });

  test('are empty, grow, do not shrink, and go', async () => {
    expect(await arm('PUT', compute('disks/d'), empty())).toMatchObject({
      status: 400,
      body: { error: { code: 'InvalidParameter' } },
    });
    const made = await arm('PUT', compute('disks/d'), empty(8));
    expect(made).toMatchObject({ status: 202, body: { sku: { name: 'Standard_LRS', tier: 'Standard' } } });
    expect(made.header('location')).toContain('/operationResults/');
    const grown = await arm('PATCH', compute('disks/d'), { properties: { diskSizeGB: 16 } });
    expect(grown).toMatchObject({ status: 202, body: { properties: { diskSizeGB: 16, diskState: 'Unattached' } } });
    expect(errorOf(await arm('PATCH', compute('disks/d'), { properties: { diskSizeGB: 4 } }))).toBe(
      'OperationNotAllowed',
    );
    const other = { properties: { creationData: { createOption: 'Import' } } };
    expect(errorOf(await arm('PATCH', compute('disks/d'), other))).toBe('PropertyChangeNotAllowed');
    expect((await arm('DELETE', compute('disks/d'))).status).toBe(202);
    expect((await arm('GET', compute('disks/d'))).status).toBe(404);
  });

  test('are imported from a VHD, whose faults end the operation', async () => {
    const made = await arm('PUT', compute('disks/from-vhd'), importing(await copied(good, 'good.vhd')));
    expect(made).toMatchObject({
      status: 202,
      body: { properties: { diskSizeGB: 31, provisioningState: 'Succeeded' } },
    });
    const failure = async (uri: string): Promise<unknown> => {
      const { header } = await arm('PUT', compute('disks/failed'), importing(uri));
      const { pathname } = new URL(header('azure-asyncoperation'));
      const { body } = await arm('GET', pathname);
      await arm('DELETE', compute('disks/failed'));
      return body;
    };
    expect(await failure(await copied(bad, 'bad.vhd'))).toMatchObject({
      status: 'Failed',
      error: { code: 'InvalidVhd' },
    });
    expect(await failure(await copied(odd, 'odd.vhd'))).toMatchObject({
      error: {
        code: 'InvalidVhd',
        message: expect.stringContaining('The size must be a whole number (in MBs).') as unknown,
      },
    });
    expect(await failure(`${azure.url}/vhdstore/vhds/none.vhd`)).toMatchObject({ error: { code: 'DiskBlobNotFound' } });
  });

  test('an unknown createOption says what is simulated', async () => {
    const body = { location, properties: { creationData: { createOption: 'Upload' } } };
    expect(errorOf(await arm('PUT', compute('disks/u'), body))).toBe('NotSimulated');
  });
});

describe('images and machines', () => {
  test('an image of a VHD makes machines; it never changes', async () => {
    const blobUri = await copied(good, 'image.vhd');
    const image = {
      location,
      properties: {
        hyperVGeneration: 'V1',
        storageProfile: { osDisk: { osType: 'Linux', osState: 'Generalized', blobUri } },
      },
    };
    const made = await arm('PUT', compute('images/sentry'), image);
    expect(made).toMatchObject({
      status: 201,
      body: { properties: { hyperVGeneration: 'V1', storageProfile: { osDisk: { diskSizeGB: 31 } } } },
    });
    const changed = { location, properties: { ...image.properties, hyperVGeneration: 'V2' } };
    expect(errorOf(await arm('PUT', compute('images/sentry'), changed))).toBe('PropertyChangeNotAllowed');
    const properties = await vmProperties(arm, 'imaged', {
      storageProfile: { imageReference: { id: compute('images/sentry') } },
    });
    expect(await putVm(arm, 'imaged', properties)).toMatchObject({
      status: 201,
      body: { properties: { storageProfile: { osDisk: { diskSizeGB: 31 } } } },
    });
    expect((await arm('GET', `${compute('virtualMachines/imaged')}/instanceView`)).body).toMatchObject({
      hyperVGeneration: 'V1',
    });
    const none = { ...properties, storageProfile: { imageReference: { id: compute('images/none') } } };
    await arm('DELETE', compute('virtualMachines/imaged'));
    expect(await putVm(arm, 'imaged', none)).toMatchObject({ status: 404, body: { error: { code: 'NotFound' } } });
  });

  test('a specialised disk is a machine’s own, and is not deleted under it', async () => {
    await arm('PUT', compute('disks/special'), importing(await copied(good, 'special.vhd')));
    const attach = {
      storageProfile: { osDisk: { createOption: 'Attach', managedDisk: { id: compute('disks/special') } } },
    };
    const withProfile = await vmProperties(arm, 'special', attach);
    expect(await putVm(arm, 'special', withProfile)).toMatchObject({
      status: 400,
      body: { error: { message: "Parameter 'osProfile' is not allowed." } },
    });
    const { osProfile: _, ...properties } = withProfile;
    expect((await putVm(arm, 'special', properties)).status).toBe(201);
    expect((await arm('GET', compute('disks/special'))).body).toMatchObject({
      managedBy: compute('virtualMachines/special'),
      properties: { diskState: 'Attached' },
    });
    expect(await arm('DELETE', compute('disks/special'))).toMatchObject({
      status: 409,
      body: { error: { message: `Disk special is attached to VM ${compute('virtualMachines/special')}.` } },
    });
    const { osProfile: __, ...second } = await vmProperties(arm, 'second', attach);
    expect(errorOf(await putVm(arm, 'second', second))).toBe('ConflictingUserInput');
    expect(errorOf(await arm('PATCH', compute('disks/special'), { properties: { diskSizeGB: 64 } }))).toBe(
      'OperationNotAllowed',
    );
    await arm('DELETE', compute('virtualMachines/special'));
    expect((await arm('GET', compute('disks/special'))).body).toMatchObject({
      properties: { diskState: 'Unattached' },
    });
  });

  test('an image of a machine needs it generalized, and that needs it stopped', async () => {
    await putVm(arm, 'golden', await vmProperties(arm, 'golden'));
    const image = { location, properties: { sourceVirtualMachine: { id: compute('virtualMachines/golden') } } };
    expect(errorOf(await arm('PUT', compute('images/golden'), image))).toBe('OperationNotAllowed');
    const generalize = `${compute('virtualMachines/golden')}/generalize`;
    expect(errorOf(await arm('POST', generalize))).toBe('OperationNotAllowed');
    await arm('POST', `${compute('virtualMachines/golden')}/deallocate`);
    azure.advance(15);
    expect((await arm('POST', generalize)).status).toBe(200);
    expect(await arm('PUT', compute('images/golden'), image)).toMatchObject({
      status: 201,
      body: { properties: { hyperVGeneration: 'V2' } },
    });
    expect(errorOf(await arm('POST', `${compute('virtualMachines/golden')}/start`))).toBe('OperationNotAllowed');
  });

  test('disks, NIC and public address go with a machine that says so', async () => {
    const address = network('publicIPAddresses/going');
    await arm('PUT', address, {
      location,
      sku: { name: 'Standard' },
      properties: { publicIPAllocationMethod: 'Static' },
    });
    const properties = await vmProperties(arm, 'going', {}, { id: address, properties: { deleteOption: 'Delete' } });
    const nic = { id: network('networkInterfaces/going'), properties: { deleteOption: 'Delete' } };
    const disk = { createOption: 'Empty', lun: 0, diskSizeGB: 4, deleteOption: 'Delete', name: 'going-data' };
    const made = await putVm(arm, 'going', {
      ...properties,
      networkProfile: { networkInterfaces: [nic] },
      storageProfile: {
        imageReference: ubuntu,
        osDisk: { createOption: 'FromImage', name: 'going-os' },
        dataDisks: [disk],
      },
    });
    expect(made.status).toBe(201);
    await arm('DELETE', compute('virtualMachines/going'));
    const left = await Promise.all(
      [nic.id, address, compute('disks/going-data'), compute('disks/going-os')].map(async (id) => arm('GET', id)),
    );
    expect(left.map(({ status }) => status)).toEqual([404, 404, 404, 200]);
  });
});

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
        diagnosticsProfile: { bootDiagnostics: { enabled: true, storageUri: `${azure.url}/vhdstore/` } },
      }),
    );
    expect(made.status).toBe(201);
    expect(await statuses()).toBe('PowerState/running');
    expect((await arm('GET', `${compute('virtualMachines/power')}/instanceView`)).body).toMatchObject({
      bootDiagnostics: {
        serialConsoleLogBlobUri: expect.stringContaining('/vhdstore/bootdiagnostics-power-') as unknown,
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

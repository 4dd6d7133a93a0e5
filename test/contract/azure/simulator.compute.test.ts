/** Disks and images: from a VHD to a machine. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compute, makeNetwork, putVm, ubuntu, vmProperties } from './simulator.compute.support';
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
    expect(made.header('location')).toMatch(/\/operations\/.+\?monitor=true&/);
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

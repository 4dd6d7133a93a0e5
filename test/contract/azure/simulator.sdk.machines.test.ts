/** What Azure refuses of machines, and of what is not ready yet, as Microsoft's client is told it: status, code, words. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { machine, makeNetwork, nic, ubuntu } from './simulator.sdk.machines';
import { group, TestClients, within } from './simulator.sdk.support';
import { instant, location, startTestAzure, type TestAzure } from './simulator.support';

let azure: TestAzure;
let of: TestClients;

const network = (path: string): string => within(`Microsoft.Network/${path}`);
const compute = (path: string): string => within(`Microsoft.Compute/${path}`);
const over = (): void => azure.advance(60);

/** Everything takes 60 seconds at most, and the tests say when they are over. */
const slow = { ...instant.timings, networkInterface: 60, virtualMachine: 60, virtualMachineDelete: 60, disk: 60, image: 60, runCommand: 60, resourceGroupDelete: 60 }; // prettier-ignore

const emptyDisk = { location, creationData: { createOption: 'Empty' }, diskSizeGB: 16 };
const makeDisk = async (name: string, more: object = {}) => of.compute.disks.beginCreateOrUpdate(group, name, { ...emptyDisk, ...more }); // prettier-ignore
const makeVm = async (name: string, more: object = {}) => of.compute.virtualMachines.beginCreateOrUpdate(group, name, { ...machine(name), ...more }); // prettier-ignore
const makeNic = async (name: string) => of.network.networkInterfaces.beginCreateOrUpdate(group, name, nic());
const generalized = (name: string) => ({ location, storageProfile: { osDisk: { osType: 'Linux' as const, osState: 'Generalized' as const, managedDisk: { id: compute(`disks/${name}`) } } } }); // prettier-ignore

beforeAll(async () => {
  azure = await startTestAzure({
    ...instant,
    timings: slow,
    quotas: { ...instant.quotas, families: { ...instant.quotas.families, standardDSv5Family: 2 } },
    images: [...instant.images, { publisher: 'Old', offer: 'old', sku: 'v1', versions: ['1'], plan: null, generation: 'V1' }], // prettier-ignore
    vmSizes: {
      ...instant.vmSizes,
      Standard_Two: { cores: 2, family: 'two', memoryGb: 2, generations: ['V2'], maxDataDisks: 1 },
    },
  });
  of = await TestClients.of(azure);
  await makeNetwork(of);
  for (const name of ['vm', 'new', 'other']) await makeNic(name);
  await makeDisk('system', { osType: 'Linux' });
  await makeDisk('data');
  over();
  await makeVm('vm');
  await of.compute.images.beginCreateOrUpdate(group, 'ready', generalized('system'));
  over();
});
afterAll(async () => azure.stop());

type Row = readonly [what: string, more: object, status: number, code: string, message: string | RegExp];

const system = (more: object) => ({
  storageProfile: { osDisk: { createOption: 'FromImage', ...more }, imageReference: ubuntu },
});
const attach = (name: string, more: object = {}) => ({
  osProfile: undefined,
  storageProfile: { osDisk: { createOption: 'Attach', managedDisk: { id: compute(`disks/${name}`) }, ...more } },
});
const profile = (more: object) => ({
  osProfile: { computerName: 'vm', adminUsername: 'me', adminPassword: 'Only-4-tests', ...more },
});
const keys = (more: object, disablePasswordAuthentication = true) =>
  profile({
    adminPassword: undefined,
    linuxConfiguration: { disablePasswordAuthentication, ssh: { publicKeys: [more] } },
  });
const size = (vmSize: string) => ({ hardwareProfile: { vmSize } });
const parameter = (name: string): string => `Required parameter '${name}' is missing (null).`;
const plan = { publisher: 'cloudknox', product: 'cloudknox_sentry_image', name: 'sentry_v1_byol0' };
const missed = /^The Resource .+ was not found/; // prettier-ignore

describe('a new machine', () => {
  const rows: readonly Row[] = [
    ['a size that is none', size('Standard_None'), 400, 'InvalidParameter', /^The value Standard_None provided for the VM size is not valid\. The valid sizes in the current region are: .+\. Find out more on the valid VM sizes in each region at https:\/\/aka\.ms\/azure-regions\.$/],
    ['a size without capacity', size('Standard_B2s'), 409, 'SkuNotAvailable', "The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: Standard_B2s' is currently not available in location 'westeurope'. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details."],
    ['more cores than the quota', size('Standard_D4s_v5'), 409, 'OperationNotAllowed', /^Operation could not be completed as it results in exceeding approved standardDSv5Family Cores quota\. Additional details - Deployment Model: Resource Manager, Location: westeurope, Current Limit: 2, Current Usage: 0, Additional Required: 4, \(Minimum\) New Limit Required: 4\./],
    ['a generation that the size does not boot', { ...size('Standard_Two'), storageProfile: { imageReference: { publisher: 'Old', offer: 'old', sku: 'v1', version: 'latest' } } }, 400, 'BadRequest', /^The selected VM size 'Standard_Two' cannot boot Hypervisor Generation '1'\./],
    ['too small a disk', system({ diskSizeGB: 8 }), 400, 'InvalidParameter', 'The specified disk size 8 GB is smaller than the size of the corresponding disk in the VM image: 30 GB. This is not allowed. Please choose equal or greater size or do not specify an explicit size.'],
    ['too many disks', { ...size('Standard_Two'), storageProfile: { imageReference: ubuntu, dataDisks: [0, 1].map((lun) => ({ lun, createOption: 'Empty', diskSizeGB: 4 })) } }, 409, 'OperationNotAllowed', 'The maximum number of data disks allowed to be attached to a VM of this size is 1.'],
    ['two disks at one place', { storageProfile: { imageReference: ubuntu, dataDisks: [0, 0].map((lun) => ({ lun, createOption: 'Empty', diskSizeGB: 4 })) } }, 400, 'InvalidParameter', 'A disk at LUN 0 already exists.'],
    ['no image', { storageProfile: { osDisk: { createOption: 'FromImage' } } }, 400, 'InvalidParameter', parameter('imageReference')],
    ['an image of the platform that is none', { storageProfile: { imageReference: { ...ubuntu, sku: 'none' } } }, 404, 'PlatformImageNotFound', /^The platform image 'Canonical:0001-com-ubuntu-server-jammy:none:latest' is not available\. Verify that all fields in the storage profile are correct\./],
    ['an image of one’s own that is none', { storageProfile: { imageReference: { id: compute('images/none') } } }, 404, 'NotFound', `The Image ${compute('images/none')} cannot be found.`],
    ['terms that are not accepted', { plan, storageProfile: { imageReference: { publisher: plan.publisher, offer: plan.product, sku: plan.name, version: 'latest' } } }, 400, 'ResourcePurchaseValidationFailed', /^User failed validation to purchase resources\. Error message: 'You have not accepted the legal terms on this subscription: /],
    ['a disk and an image', { storageProfile: { ...attach('system').storageProfile, imageReference: ubuntu } }, 400, 'InvalidParameter', 'Cannot attach an existing OS disk if the VM is created from a platform or user image.'],
    ['a profile for a disk', { ...attach('system'), ...profile({}) }, 400, 'InvalidParameter', "Parameter 'osProfile' is not allowed."],
    ['no disk', { osProfile: undefined, storageProfile: { osDisk: { createOption: 'Attach' } } }, 400, 'InvalidParameter', parameter('osDisk.managedDisk.id')],
    ['a disk of no system', attach('data'), 400, 'InvalidParameter', parameter('osDisk.osType')],
    ['a disk that is not there', attach('none'), 404, 'ResourceNotFound', `The entity was not found: ${compute('disks/none')}.`],
    ['no profile', { osProfile: undefined }, 400, 'InvalidParameter', parameter('osProfile')],
    ['no administrator', profile({ adminUsername: undefined }), 400, 'InvalidParameter', parameter('osProfile.adminUsername')],
    ['an administrator called root', profile({ adminUsername: 'root' }), 400, 'InvalidParameter', /^The Admin Username specified is not allowed\./],
    ['a host name that is none', profile({ computerName: 'a_b' }), 400, 'InvalidParameter', /^Linux host name cannot exceed 64 characters in length/],
    ['custom data that are none', profile({ customData: 'not base64!' }), 400, 'InvalidParameter', 'Custom data in OSProfile must be in Base64 encoding and with a maximum length of 87380 characters.'],
    ['no way in', profile({ linuxConfiguration: { disablePasswordAuthentication: true } }), 400, 'InvalidParameter', 'Authentication using either SSH or by user name and password must be enabled in Linux profile.'],
    ['no password', profile({ adminPassword: undefined }), 400, 'InvalidParameter', parameter('adminPassword')],
    ['a weak password', profile({ adminPassword: 'weak' }), 400, 'InvalidParameter', /^The supplied password must be between 6-72 characters long and must satisfy at least 3 of password complexity requirements/],
    ['a key without a place', keys({ keyData: 'ssh-rsa AAAA' }), 400, 'InvalidParameter', parameter('linuxConfiguration.ssh.publicKeys.path')],
    ['a key at another place', keys({ path: '/root/keys', keyData: 'ssh-rsa AAAA' }), 400, 'InvalidParameter', 'Destination path for SSH public keys is currently limited to its default value /home/me/.ssh/authorized_keys  due to a known issue in Linux provisioning agent.'],
    ['a key that is none', keys({ path: '/home/me/.ssh/authorized_keys', keyData: 'none' }), 400, 'InvalidParameter', 'The value of parameter linuxConfiguration.ssh.publicKeys.keyData is invalid.'],
    ['an interface that is not there', { networkProfile: { networkInterfaces: [{ id: network('networkInterfaces/none') }] } }, 404, 'NotFound', `Resource ${network('networkInterfaces/none')} not found.`],
    ['an interface of another machine', { networkProfile: { networkInterfaces: [{ id: network('networkInterfaces/vm') }] } }, 400, 'NicInUse', /is used by existing resource .+\/virtualMachines\/vm\./],
    ['an identity that is not there', { identity: { type: 'UserAssigned', userAssignedIdentities: { [within('Microsoft.ManagedIdentity/userAssignedIdentities/none')]: {} } } }, 400, 'FailedIdentityOperation', /^Identity operation for resource '.+' failed with error 'Failed to perform resource identity operation\. Status: 'BadRequest'\./],
  ]; // prettier-ignore
  test.each(rows)('%s is refused', async (_, more, status, code, message) => {
    // Twelve writes of one machine at once, and four more each minute.
    over();
    const told = await of.refusal(() => makeVm('new', more));
    expect(told).toMatchObject({ status, code });
    if (typeof message === 'string') expect(told.message).toBe(message);
    else expect(told.message).toMatch(message);
  });

  test('without the plan that it needs is made, and fails', async () => {
    await makeNic('unplanned');
    over();
    const storageProfile = { imageReference: { publisher: plan.publisher, offer: plan.product, sku: plan.name, version: 'latest' } }; // prettier-ignore
    const poller = await makeVm('unplanned', { storageProfile });
    over();
    await expect(poller.pollUntilDone()).rejects.toMatchObject({ message: expect.stringContaining('VMMarketplaceInvalidInput') as unknown }); // prettier-ignore
    expect(JSON.parse(of.last('GET', '/operations/').body)).toMatchObject({ status: 'Failed', error: { code: 'VMMarketplaceInvalidInput' } }); // prettier-ignore
  });
});

describe('a machine that is there', () => {
  const rows: readonly Row[] = [
    ['another administrator', profile({ adminUsername: 'other' }), 409, 'PropertyChangeNotAllowed', "Changing property 'osProfile.adminUsername' is not allowed."],
    ['another key', keys({ path: '/home/me/.ssh/authorized_keys', keyData: 'ssh-rsa AAAA' }), 409, 'PropertyChangeNotAllowed', "Changing property 'linuxConfiguration.ssh.publicKeys' is not allowed."],
    ['another host name', profile({ computerName: 'other' }), 409, 'PropertyChangeNotAllowed', "Changing property 'osProfile.computerName' is not allowed."],
    ['another name of the disk', system({ name: 'other' }), 409, 'PropertyChangeNotAllowed', "Changing property 'osDisk.name' is not allowed."],
    ['another disk', system({ managedDisk: { id: compute('disks/system') } }), 409, 'PropertyChangeNotAllowed', "Changing property 'osDisk.managedDisk.id' is not allowed."],
    ['another image', { storageProfile: { imageReference: { ...ubuntu, version: '22.04.202611010' } } }, 409, 'PropertyChangeNotAllowed', "Changing property 'imageReference' is not allowed."],
  ]; // prettier-ignore
  test.each(rows)('%s is refused', async (_, more, status, code, message) => {
    over();
    expect(await of.refusal(() => makeVm('vm', more))).toMatchObject({ status, code, message });
  });

  test('has its disk to itself, as large as it is', async () => {
    const { storageProfile } = await of.compute.virtualMachines.get(group, 'vm');
    const name = storageProfile?.osDisk?.name ?? '';
    const { id = '' } = await of.compute.disks.get(group, name);
    expect(await of.refusal(() => of.compute.disks.delete(group, name))).toMatchObject({ status: 409, code: 'OperationNotAllowed', message: `Disk ${name} is attached to VM ${compute('virtualMachines/vm')}.` });
    expect(await of.refusal(() => of.compute.disks.beginUpdate(group, name, { diskSizeGB: 64 }))).toMatchObject({ status: 409, code: 'OperationNotAllowed', message: 'Disk resizing is allowed only when creating a VM or when the VM is deallocated.' });
    expect(await of.refusal(() => makeVm('new', { osProfile: undefined, storageProfile: { osDisk: { createOption: 'Attach', osType: 'Linux', managedDisk: { id } } } }))).toMatchObject({ status: 409, code: 'ConflictingUserInput', message: `Disk '${id}' cannot be attached as the disk is already owned by VM '${compute('virtualMachines/vm')}'.` });
  }); // prettier-ignore

  test('runs scripts, one at a time', async () => {
    const machines = of.compute.virtualMachines;
    const run = (more: object = {}) => machines.beginRunCommand(group, 'vm', { commandId: 'RunShellScript', script: ['hostname'], ...more });
    expect(await of.refusal(() => run({ script: undefined }))).toMatchObject({ status: 400, code: 'InvalidParameter', message: parameter('script') });
    expect(await of.refusal(() => run({ commandId: 'None' }))).toMatchObject({ status: 404, code: 'NotFound', message: "The entity was not found in this Azure location. Run command 'None' does not exist." });
    const poller = await run();
    expect(await of.refusal(run)).toMatchObject({ status: 409, code: 'Conflict', message: 'Run command extension execution is in progress. Please wait for completion before invoking a run command.' });
    over();
    expect(await poller.pollUntilDone()).toMatchObject({ value: [{ code: 'ProvisioningState/succeeded', message: 'Enable succeeded: \n[stdout]\nvm\n\n[stderr]\n' }] });
    const endless = await run({ script: ['sleep 6000'] });
    azure.advance(7000);
    await expect(endless.pollUntilDone()).rejects.toThrow('VMExtensionProvisioningTimeout');
  }); // prettier-ignore

  test('runs commands that are resources, and tells how they went', async () => {
    const commands = of.compute.virtualMachineRunCommands;
    const begin = (more: object) => commands.beginCreateOrUpdate(group, 'vm', 'c', { location, source: { script: 'exit 3' }, ...more });
    expect(await of.refusal(() => begin({ source: {} }))).toMatchObject({ status: 400, code: 'InvalidParameter', message: parameter('source') });
    expect(await of.refusal(() => begin({ source: { commandId: 'none' } }))).toMatchObject({ status: 404, code: 'NotFound', message: "The entity was not found in this Azure location. Run command 'none' does not exist." });
    expect(await of.refusal(() => begin({ source: { script: 'true', commandId: 'ifconfig' } }))).toMatchObject({ status: 400, code: 'InvalidParameter', message: "Only one of 'script', 'scriptUri' and 'commandId' can be given in 'source'." });
    expect(await of.refusal(() => begin({ source: { scriptUri: 'https://example.com/x.sh', scriptUriManagedIdentity: {} } }))).toMatchObject({ status: 400, code: 'NotSimulated', message: "A download by managed identity ('scriptUriManagedIdentity') is not simulated." });
    expect(await of.refusal(() => begin({ outputBlobUri: 'https://example.com/out' }))).toMatchObject({ status: 400, code: 'NotSimulated', message: "Output of a run command to an append blob ('outputBlobUri') is not simulated." });
    const failing = await begin({ treatFailureAsDeploymentFailure: true });
    over();
    await expect(failing.pollUntilDone()).rejects.toThrow('VMExtensionProvisioningError');
    const { instanceView } = await commands.getByVirtualMachine(group, 'vm', 'c', { expand: 'instanceView' });
    expect(instanceView).toMatchObject({ executionState: 'Failed', exitCode: 3 });
    expect((await of.refusal(() => commands.createOrUpdate(group, 'none', 'c', { location }))).message).toMatch(missed);
  }); // prettier-ignore
});

describe('what is not ready yet', () => {
  test('is not used, started or taken away', async () => {
    await makeNic('soon');
    const early = await of.refusal(() => makeVm('soon'));
    expect(early).toMatchObject({ status: 409, code: 'ReferencedResourceNotProvisioned' });
    expect(early.message).toMatch(/used by resource .+\/soon is not in Succeeded state\. Resource is in Updating state\.$/);
    over();
    await makeVm('soon');
    expect(await of.refusal(() => of.compute.virtualMachines.beginPowerOff(group, 'soon'))).toMatchObject({ status: 409, code: 'OperationNotAllowed', message: "Operation 'powerOff' is not allowed on VM 'soon' since another operation is in progress." });
    over();
    await of.compute.virtualMachines.beginDelete(group, 'soon');
    expect(await of.refusal(() => of.compute.virtualMachines.beginStart(group, 'soon'))).toMatchObject({ status: 409, code: 'OperationNotAllowed', message: "Operation 'start' is not allowed on VM 'soon' since the VM is marked for deletion. You can only retry the Delete operation (or wait for an ongoing one to complete)." });
    const changed = await of.refusal(() => makeVm('soon'));
    expect(changed).toMatchObject({ status: 409, code: 'Conflict' });
    expect(changed.header('retry-after')).toBe('60');
    over();
  }); // prettier-ignore

  test('neither a disk nor an image', async () => {
    await makeDisk('soon', { osType: 'Linux' });
    expect(await of.refusal(() => makeVm('new', attach('soon')))).toMatchObject({ status: 409, code: 'OperationNotAllowed', message: "Disk 'soon' cannot be attached to VM 'new' because it is in Updating state." });
    await of.compute.images.beginCreateOrUpdate(group, 'soon', generalized('system'));
    const ofImage = (name: string) => ({ storageProfile: { imageReference: { id: compute(`images/${name}`) } } });
    expect(await of.refusal(() => makeVm('new', ofImage('soon')))).toMatchObject({ status: 409, code: 'OperationNotAllowed', message: 'The resource new cannot be created from Image soon until Image has been successfully created.' });
    over();
    await makeVm('other', ofImage('ready'));
    expect(await of.refusal(() => of.compute.images.delete(group, 'ready'))).toMatchObject({ status: 409, code: 'OperationNotAllowed', message: "Operation 'delete' is not allowed since the Virtual Machines 'other' are being provisioned using the Image 'ready'." });
    over();
    expect(await of.refusal(() => of.put('Microsoft.Compute/images/ready', { properties: { hyperVGeneration: 'V2' } }))).toMatchObject({ status: 409, code: 'PropertyChangeNotAllowed' });
  }); // prettier-ignore

  test('a group that is being deleted takes nothing more', async () => {
    const { resourceGroups } = of.resources;
    await resourceGroups.createOrUpdate('going', { location });
    expect(await of.refusal(() => resourceGroups.createOrUpdate('going', { location: 'northeurope' }))).toMatchObject({ status: 409, code: 'InvalidResourceGroupLocation', message: "Invalid resource group location 'northeurope'. The Resource group already exists in location 'westeurope'." });
    const poller = await resourceGroups.beginDelete('going');
    const accepted = of.last('DELETE', '/going');
    expect([accepted.status, accepted.header('retry-after')]).toEqual([202, '15']);
    await poller.poll();
    expect(of.last('GET', '/operationResults/').status).toBe(202);
    expect(await of.refusal(() => of.network.networkSecurityGroups.createOrUpdate('going', 'n', { location }))).toMatchObject({ status: 409, code: 'ResourceGroupBeingDeleted', message: "The resource group 'going' is in deprovisioning state and cannot perform this operation." });
    over();
    await poller.pollUntilDone();
    expect(await of.refusal(() => resourceGroups.delete('going'))).toMatchObject({ status: 404, code: 'ResourceGroupNotFound' });
  }); // prettier-ignore
});

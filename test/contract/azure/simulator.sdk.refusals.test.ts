/** What Azure refuses of networks, disks, images and machines, as Microsoft's clients are told it: status, code, words. */
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeMachine, nic, subnet } from './simulator.sdk.machines';
import { group, TestClients, within } from './simulator.sdk.support';
import { instant, location, startTestAzure, type TestAzure } from './simulator.support';

const GIB = 2 ** 30;
const download = 'https://download.example.com/good.vhd';

let azure: TestAzure;
let of: TestClients;

const network = (path: string): string => within(`Microsoft.Network/${path}`);
const compute = (path: string): string => within(`Microsoft.Compute/${path}`);

beforeAll(async () => {
  // What takes long enough to be met while it runs: the tests end it by the clock.
  const timings = { ...instant.timings, blobCopy: 3600, disk: 50 };
  azure = await startTestAzure({ ...instant, timings, downloads: [{ url: download, bytes: 31 * GIB + 512 }] });
  of = await TestClients.of(azure);
});
afterAll(async () => azure.stop());

/** Begins what a client would wait for. */
type Begin = () => PromiseLike<unknown>;
type Row = readonly [what: string, call: Begin, status: number, code: string, message: string | RegExp];

const refused = async (call: Begin, status: number, code: string, message: string | RegExp): Promise<void> => {
  const told = await of.refusal(call);
  expect(told).toMatchObject({ status, code });
  if (typeof message === 'string') expect(told.message).toBe(message);
  else expect(told.message).toMatch(message);
};

const rule = { protocol: 'Tcp', sourcePortRange: '*', destinationPortRange: '22', sourceAddressPrefix: '*', destinationAddressPrefix: '*', access: 'Allow', priority: 100, direction: 'Inbound' }; // prettier-ignore
const putRule = (more: object): Begin => () => of.network.securityRules.createOrUpdate(group, 'nsg', 'r', { ...rule, ...more }); // prettier-ignore
const manySources = Array.from({ length: 4_001 }, (_, index) => `203.0.${index >> 8}.${index & 255}/32`);
const putSubnet = (addressPrefix: string | undefined, name = 'x'): Begin => () => of.network.subnets.createOrUpdate(group, 'v', name, addressPrefix === undefined ? { defaultOutboundAccess: false } : { addressPrefix }); // prettier-ignore
const address = (more: object): Begin => () => of.network.publicIPAddresses.createOrUpdate(group, 'p', { location, sku: { name: 'Standard' }, publicIPAllocationMethod: 'Static', ...more }); // prettier-ignore
const putNic = (name: string, more: object): Begin => () => of.network.networkInterfaces.beginCreateOrUpdate(group, name, { location, ipConfigurations: [{ name: 'ip', subnet: { id: subnet }, ...more }] }); // prettier-ignore

describe('networks', () => {
  beforeAll(async () => {
    await makeMachine(of, 'net');
    await of.network.networkSecurityGroups.createOrUpdate(group, 'nsg', { location, securityRules: [{ name: 'first', ...rule }] }); // prettier-ignore
    await of.network.subnets.createOrUpdate(group, 'v', 'guarded', { addressPrefix: '10.0.9.0/29', networkSecurityGroup: { id: network('networkSecurityGroups/nsg') } }); // prettier-ignore
    const addresses = { location, sku: { name: 'Standard' }, publicIPAllocationMethod: 'Static' };
    await of.network.publicIPAddresses.createOrUpdate(group, 'used', addresses);
    const publicIpAddresses = [{ id: network('publicIPAddresses/used') }];
    await of.network.natGateways.createOrUpdate(group, 'nat', { location, sku: { name: 'Standard' }, publicIpAddresses }); // prettier-ignore
    await of.network.subnets.createOrUpdate(group, 'v', 'behind', { addressPrefix: '10.0.8.0/29', natGateway: { id: network('natGateways/nat') } }); // prettier-ignore
    for (const name of ['f1', 'f2', 'f3']) await of.network.networkInterfaces.createOrUpdate(group, name, nic(network('virtualNetworks/v/subnets/guarded'))); // prettier-ignore
  });

  const rows: readonly Row[] = [
    ['a priority out of range', putRule({ priority: 99 }), 400, 'SecurityRuleInvalidPriority', 'Security rule has invalid Priority. Value provided: 99. Allowed range 100-4096.'],
    ['a priority that another has', putRule({}), 400, 'SecurityRuleConflict', 'Security rule r conflicts with rule first. Rules cannot have the same Priority and Direction.'],
    ['a port that is none', putRule({ destinationPortRange: '22-x' }), 400, 'SecurityRuleInvalidPortRange', /Value provided: 22-x\. Value should be an integer OR integer range with '-' delimiter\. Valid range 0-65535\.$/],
    ['more sources than a group takes', putRule({ priority: 200, sourceAddressPrefix: '', sourceAddressPrefixes: manySources }), 400, 'SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached', /\/nsg has 4001 SourceAddressPrefixes\. A security group cannot have more than 4000 SourceAddressPrefixes as per the limit MaxSecurityRuleAddressesOrPortsPerSecurityGroup\.$/],
    ['a prefix that is none', putRule({ sourceAddressPrefix: '300.0.0.1' }), 400, 'SecurityRuleInvalidAddressPrefix', 'Security rule has invalid Address prefix. Value provided: 300.0.0.1'],
    ['prefixes of both families', putRule({ sourceAddressPrefix: '', sourceAddressPrefixes: ['203.0.113.7/32', '2001:db8::/64'] }), 400, 'ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies', /^Resource r contains .+ belong to different address families\. All IP addresses or prefixes in the resource should belong to the same address family\.$/],
    ['no port', putRule({ destinationPortRange: '' }), 400, 'SecurityRuleParameterNotSpecified', /^Security rule parameter DestinationPortRange must be specified for rule with Id r\.$/],
    ['an access that is none', putRule({ access: 'Perhaps' }), 400, 'InvalidRequestContent', /^The request content was invalid and could not be deserialized: 'properties.access'/],
    ['a subnet without prefix', putSubnet(undefined), 400, 'InvalidRequestFormat', 'Subnet x has no address prefix.'],
    ['a prefix in no CIDR notation', putSubnet('10.0.0.0'), 400, 'InvalidCIDRNotation', /^The address prefix 10\.0\.0\.0 in resource .+ is not formatted correctly\. It should follow CIDR notation, for example 10\.0\.0\.0\/24\.$/],
    ['a subnet outside', putSubnet('10.9.0.0/24'), 400, 'NetcfgInvalidSubnet', "Subnet 'x' is not valid in virtual network 'v'."],
    ['subnets that overlap', putSubnet('10.0.0.128/25'), 400, 'NetcfgSubnetRangesOverlap', "Subnet 'x' is not valid because its IP address range overlaps with that of an existing subnet in virtual network 'v'."],
    ['a basic address', address({ sku: { name: 'Basic' } }), 400, 'IPv4BasicSkuPublicIpCountLimitReached', 'Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in this region.'],
    ['a dynamic address', address({ publicIPAllocationMethod: 'Dynamic' }), 400, 'StandardAndStandardV2SkuPublicIPAddressesMustBeStatic', `Standard sku publicIp ${network('publicIPAddresses/p')} must have AllocationMethod set to Static.`],
    ['an address that another has', putNic('n', { privateIPAllocationMethod: 'Static', privateIPAddress: '10.0.0.4' }), 400, 'PrivateIPAddressIsAllocated', /is using the private IP address 10\.0\.0\.4 which is already allocated to resource .+\/net\/ipConfigurations\/ip\.$/],
    ['a public address that another has', putNic('n', { publicIPAddress: { id: network('publicIPAddresses/used') } }), 400, 'PublicIPAddressInUse', /is referencing public IP address .+\/used that is already allocated to resource .+\/nat\.$/],
    ['a full subnet', putNic('n', { subnet: { id: network('virtualNetworks/v/subnets/guarded') } }), 400, 'SubnetIsFull', 'Subnet guarded with address prefix 10.0.9.0/29 does not have enough capacity for 1 IP addresses.'],
    ['a subnet that is not there', putNic('n', { subnet: { id: network('virtualNetworks/v/subnets/none') } }), 400, 'InvalidResourceReference', /^Resource .+\/none referenced by resource .+\/n was not found\. Please make sure that the referenced resource exists, and that both resources are in the same region\.$/],
    ['to take away a group in use', () => of.network.networkSecurityGroups.delete(group, 'nsg'), 400, 'InUseNetworkSecurityGroupCannotBeDeleted', /cannot be deleted because it is in use by the following resources: .+\/guarded\./],
    ['to take away a gateway in use', () => of.network.natGateways.delete(group, 'nat'), 400, 'InUseNatGatewayCannotBeDeleted', /in use by the following resources: .+\/behind\.$/],
    ['to take away an address in use', () => of.network.publicIPAddresses.delete(group, 'used'), 400, 'PublicIPAddressCannotBeDeleted', /can not be deleted since it is still allocated to resource .+\/nat\./],
    ['to take away a subnet in use', () => of.network.subnets.delete(group, 'v', 's'), 400, 'InUseSubnetCannotBeDeleted', /^Subnet s is in use by .+ and cannot be deleted\./],
    ['to take away a network in use', () => of.network.virtualNetworks.delete(group, 'v'), 400, 'InUseSubnetCannotBeDeleted', /^Subnet \w+ is in use by/],
    ['to take away an interface in use', () => of.network.networkInterfaces.delete(group, 'net'), 400, 'NicInUse', /is used by existing resource .+\/virtualMachines\/net\./],
    ['another region', () => of.network.virtualNetworks.createOrUpdate(group, 'v', { location: 'northeurope', addressSpace: { addressPrefixes: ['10.0.0.0/16'] } }), 409, 'InvalidResourceLocation', /^The resource 'v' already exists in location 'westeurope' in resource group 'rg'\. A resource with the same name cannot be created in location 'northeurope'\. Please select a new resource name\.$/],
    ['a parent that is not there', () => of.network.subnets.createOrUpdate(group, 'none', 's', { addressPrefix: '10.0.0.0/24' }), 404, 'ResourceNotFound', /^The Resource 'Microsoft\.Network\/virtualNetworks\/none' under resource group 'rg' was not found\./],
    ['a group that is not there', () => of.network.virtualNetworks.get('none', 'v'), 404, 'ResourceGroupNotFound', "Resource group 'none' could not be found."],
    ['an etag of before', () => of.network.virtualNetworks.createOrUpdate(group, 'v', { location, addressSpace: { addressPrefixes: ['10.0.0.0/16'] } }, { requestOptions: { headers: { 'If-Match': 'W/"old"' } } }), 412, 'PreconditionFailed', /^Etag provided in if-match header W\/"old" does not match etag W\/".+" of resource .+\/v in NRP data store\.$/],
    ['to make anew what is there', () => of.network.virtualNetworks.createOrUpdate(group, 'v', { location, addressSpace: { addressPrefixes: ['10.0.0.0/16'] } }, { requestOptions: { headers: { 'If-None-Match': '*' } } }), 412, 'PreconditionFailed', /exists, and if-none-match header \* was given\.$/],
  ]; // prettier-ignore
  test.each(rows)('%s is refused', async (_, ...row) => refused(...row));
});

const disk = (more: object): Begin => () => of.compute.disks.beginCreateOrUpdate(group, 'd', { location, creationData: { createOption: 'Empty' }, ...more }); // prettier-ignore
const parameter = (name: string): string => `Required parameter '${name}' is missing (null).`;
const image = (osDisk: object | undefined): Begin => () => of.compute.images.beginCreateOrUpdate(group, 'i', { location, ...(osDisk === undefined ? {} : { storageProfile: { osDisk: { osType: 'Linux', osState: 'Generalized', ...osDisk } } }) }); // prettier-ignore

/** A copy that takes an hour. */
async function begunCopy(account: string, key: string): Promise<void> {
  const blobs = new BlobServiceClient(`${azure.url}/${account}`, new StorageSharedKeyCredential(account, key));
  await blobs.getContainerClient('vhds').getPageBlobClient('one.vhd').beginCopyFromURL(download);
}

describe('disks and images', () => {
  beforeAll(async () => {
    await of.compute.disks.beginCreateOrUpdate(group, 'kept', { location, osType: 'Linux', creationData: { createOption: 'Empty' }, diskSizeGB: 16 }); // prettier-ignore
    azure.advance(50);
    await of.compute.disks.beginCreateOrUpdate(group, 'making', { location, osType: 'Linux', creationData: { createOption: 'Empty' }, diskSizeGB: 16 }); // prettier-ignore
  });
  const copy = (name: string) => ({ createOption: 'Copy', sourceResourceId: compute(`disks/${name}`) });

  const rows: readonly Row[] = [
    ['a kind of disk that is none', disk({ sku: { name: 'Fast_LRS' }, diskSizeGB: 4 }), 400, 'InvalidParameter', 'The value of parameter disk.sku.name is invalid.'],
    ['too large a disk', disk({ diskSizeGB: 99_999 }), 400, 'InvalidParameter', "The value '99999' of parameter 'disk.diskSizeGB' is out of range. The value must be between '1' and '32767', inclusive."],
    ['no size', disk({}), 400, 'InvalidParameter', parameter('disk.diskSizeGB')],
    ['an import of nothing', disk({ creationData: { createOption: 'Import' } }), 400, 'InvalidParameter', parameter('disk.creationData.sourceUri')],
    ['a copy of nothing', disk({ creationData: { createOption: 'Copy' } }), 400, 'InvalidParameter', parameter('disk.creationData.sourceResourceId')],
    ['an image of nothing', disk({ creationData: { createOption: 'FromImage' } }), 400, 'InvalidParameter', parameter('disk.creationData.imageReference')],
    ['a copy of what is not there', disk({ creationData: copy('none') }), 404, 'NotFound', `The resource ${compute('disks/none')} was not found.`],
    ['a copy of what is not ready', disk({ creationData: copy('making') }), 409, 'OperationNotAllowed', `The source ${compute('disks/making')} is not in the Succeeded state.`],
    ['a copy that is too small', disk({ creationData: copy('kept'), diskSizeGB: 8 }), 400, 'OperationNotAllowed', 'Disk with size 8GB, which is smaller than the size 16GB of corresponding disk in Image, is not allowed.'],
    ['an upload', disk({ creationData: { createOption: 'Upload' } }), 400, 'NotSimulated', /^Disks with createOption 'Upload' are not simulated\./],
    ['a smaller size', () => of.compute.disks.beginUpdate(group, 'kept', { diskSizeGB: 8 }), 409, 'OperationNotAllowed', 'Shrinking disk kept from 16 GB to 8 GB is not allowed.'],
    ['another origin', () => of.put('Microsoft.Compute/disks/kept', { properties: { creationData: { createOption: 'Import', sourceUri: 'https://x/y' } } }), 409, 'PropertyChangeNotAllowed', /^Changing property 'creationData\.createOption' is not allowed\.$/],
    ['an image without disk', image(undefined), 400, 'InvalidParameter', parameter('osDisk')],
    ['an image of no disk', image({}), 400, 'InvalidParameter', parameter('osDisk.managedDisk')],
    ['an image of a disk that is not there', image({ managedDisk: { id: compute('disks/none') } }), 404, 'NotFound', `The resource ${compute('disks/none')} was not found.`],
    ['an image of a machine that is not there', () => of.compute.images.beginCreateOrUpdate(group, 'i', { location, sourceVirtualMachine: { id: compute('virtualMachines/none') } }), 404, 'NotFound', `Source Virtual Machine '${compute('virtualMachines/none')}' specified in the request does not exist in this Azure location.`],
    ['an image of a machine in use', () => of.compute.images.beginCreateOrUpdate(group, 'i', { location, sourceVirtualMachine: { id: compute('virtualMachines/net') } }), 409, 'OperationNotAllowed', "The operation 'Create Image' requires the Virtual Machine 'net' to be Generalized."],
  ]; // prettier-ignore
  test.each(rows)('%s is refused', async (_, ...row) => refused(...row));

  test('a VHD that is still copied to, or stands elsewhere, ends the operation', async () => {
    const account = { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } };
    await of.storage.storageAccounts.create(group, 'near1', account);
    await of.storage.storageAccounts.create(group, 'far1', { ...account, location: 'northeurope' });
    for (const name of ['near1', 'far1']) {
      await of.storage.blobContainers.create(group, name, 'vhds', {});
      const { keys: [key] = [] } = await of.storage.storageAccounts.listKeys(group, name);
      await begunCopy(name, key?.value ?? '');
    }
    const failure = async (name: string): Promise<unknown> => {
      const sourceUri = `${azure.url}/${name}/vhds/one.vhd`;
      const poller = await of.compute.disks.beginCreateOrUpdate(group, `of-${name}`, { location, creationData: { createOption: 'Import', sourceUri } }); // prettier-ignore
      azure.advance(50);
      await expect(poller.pollUntilDone()).rejects.toThrow();
      return JSON.parse(of.last('GET', '/operations/').body);
    };
    expect(await failure('near1')).toMatchObject({ status: 'Failed', error: { code: 'AcquireDiskLeaseFailed' } });
    const elsewhere = expect.stringMatching(/^Could not resolve storage account far1\./) as unknown;
    expect(await failure('far1')).toMatchObject({ error: { code: 'InternalOperationError', message: elsewhere } });
  });
});

/** Machines as the clients of Microsoft's make them. */
import { group, type TestClients, within } from './simulator.sdk.support';
import { location } from './simulator.support';

export const ubuntu = {
  publisher: 'Canonical',
  offer: '0001-com-ubuntu-server-jammy',
  sku: '22_04-lts-gen2',
  version: 'latest',
};

export const subnet = within('Microsoft.Network/virtualNetworks/v/subnets/s');

/** A network interface in the subnet of `makeNetwork`. */
export const nic = (id = subnet) => ({ location, ipConfigurations: [{ name: 'ip', subnet: { id } }] });

/** A machine at the network interface of that name. */
export const machine = (name: string) => ({
  location,
  hardwareProfile: { vmSize: 'Standard_D4s_v3' },
  storageProfile: { imageReference: ubuntu, osDisk: { createOption: 'FromImage' } },
  osProfile: { computerName: 'vm', adminUsername: 'me', adminPassword: 'Only-4-tests' },
  networkProfile: { networkInterfaces: [{ id: within(`Microsoft.Network/networkInterfaces/${name}`) }] },
});

export const makeNetwork = async ({ network }: TestClients): Promise<void> => {
  await network.virtualNetworks.createOrUpdate(group, 'v', {
    location,
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
    subnets: [{ name: 's', addressPrefix: '10.0.0.0/24' }],
  });
};

/** With its network and network interface. */
export async function makeMachine(of: TestClients, name: string): Promise<void> {
  await makeNetwork(of);
  await of.network.networkInterfaces.createOrUpdate(group, name, nic());
  await of.compute.virtualMachines.createOrUpdate(group, name, machine(name));
}

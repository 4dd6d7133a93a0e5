/** Machines for tests: a network, and VM bodies that Azure takes. */
import { type Answer, type Arm, location, network, platform } from './simulator.support';

export const compute = (path: string): string =>
  `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.Compute/${path}`;

export const ubuntu = {
  publisher: 'Canonical',
  offer: '0001-com-ubuntu-server-jammy',
  sku: '22_04-lts-gen2',
  version: 'latest',
};
export const osProfile = { adminUsername: 'me', adminPassword: 'Only-4-tests' };

export const makeNetwork = async (arm: Arm): Promise<void> => {
  const properties = {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
    subnets: [{ name: 's', properties: { addressPrefix: '10.0.0.0/24' } }],
  };
  await arm('PUT', network('virtualNetworks/v'), { location, properties });
};

/** A NIC of the VM's name, and the properties of a VM of it. */
export async function vmProperties(
  arm: Arm,
  name: string,
  more: Readonly<Record<string, unknown>> = {},
  publicIPAddress?: unknown,
): Promise<Record<string, unknown>> {
  const subnet = { id: network('virtualNetworks/v/subnets/s') };
  const address = publicIPAddress === undefined ? {} : { publicIPAddress };
  await arm('PUT', network(`networkInterfaces/${name}`), {
    location,
    properties: { ipConfigurations: [{ name: 'ip', properties: { subnet, ...address } }] },
  });
  return {
    hardwareProfile: { vmSize: 'Standard_D4s_v3' },
    storageProfile: { imageReference: ubuntu },
    osProfile,
    networkProfile: { networkInterfaces: [{ id: network(`networkInterfaces/${name}`) }] },
    ...more,
  };
}

export const putVm = async (
  arm: Arm,
  name: string,
  properties: Readonly<Record<string, unknown>>,
  beside: Readonly<Record<string, unknown>> = {},
): Promise<Answer> => arm('PUT', compute(`virtualMachines/${name}`), { location, properties, ...beside });

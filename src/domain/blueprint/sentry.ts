/** One Sentry: identity, appliance, and a grant in each subscription. Pure. */
import { ownerMark, type Resource, type ResourceOf } from '../resources';
import { applianceOf, type ApplianceChoice, armId, type Blueprint, secretName, tagsOf, tracked } from './blueprint';
import { grants, scopesOf } from './grants';
import { identity } from './identity';
import { nameOf } from './naming';
import { needingProviders } from './providers';
import { virtualMachine } from './virtualMachine';

/** One Sentry: security group, identity with its permissions, NIC and VM, and a grant in each subscription. */
export function sentryResources(
  blueprint: Blueprint,
  n: number,
  subscriptions: readonly string[],
): readonly Resource[] {
  const choice = applianceOf(blueprint);
  return needingProviders(blueprint, [
    ...identity(blueprint, n),
    ...(choice ? appliance(blueprint, n, choice) : []),
    ...grants(blueprint, n, scopesOf(blueprint, subscriptions)),
  ]);
}

/** Guide, "Create a network security group" and "Creating the CloudKnox Sentry from the image". */
function appliance(blueprint: Blueprint, n: number, choice: ApplianceChoice): readonly Resource[] {
  const { request } = blueprint;
  const { network } = choice;
  const key = secretName(request.name, n, 'ssh');
  const group: ResourceOf<'networkSecurityGroup'> = {
    kind: 'networkSecurityGroup',
    key: 'networkSecurityGroup',
    id: armId(request, 'Microsoft.Network/networkSecurityGroups', nameOf(blueprint, 'networkSecurityGroup', n)),
    needs: ['resourceGroup'],
    wanted: () => tracked(request),
  };
  return [
    group,
    closed(request.name, group.id),
    {
      kind: 'sshKey',
      key: 'sshKey',
      id: key,
      needs: [],
      wanted: () => ({ secretName: key, tags: tagsOf(request) }),
    },
    {
      kind: 'networkInterface',
      key: 'networkInterface',
      id: armId(request, 'Microsoft.Network/networkInterfaces', nameOf(blueprint, 'networkInterface', n)),
      needs: ['networkSecurityGroup', 'closedInbound', ...(network.kind === 'managed' ? ['subnet'] : [])],
      wanted: (given) => ({
        ...tracked(request),
        networkSecurityGroup: { id: given('networkSecurityGroup', 'id') },
        ipConfigurations: [
          {
            name: 'primary',
            subnet: { id: network.kind === 'managed' ? given('subnet', 'id') : network.subnetId },
            privateIPAllocationMethod: 'Dynamic',
          },
        ],
      }),
    },
    virtualMachine(blueprint, n, choice),
  ];
}

/**
 * Every security group ends with AllowVnetInBound, and to Azure "VirtualNetwork" is the fleet's other Sentries, each
 * peered network and whatever a VPN leads to. Only this makes the access window the one way in.
 */
const closed = (deployment: string, networkSecurityGroupId: string): ResourceOf<'securityRule'> => ({
  kind: 'securityRule',
  key: 'closedInbound',
  id: `${networkSecurityGroupId}/securityRules/Closed_Inbound`,
  needs: ['networkSecurityGroup'],
  wanted: () => ({
    // The last that Azure allows: a window's rule, and whatever another hand wants let in, decides before it.
    priority: 4096,
    direction: 'Inbound',
    access: 'Deny',
    protocol: '*',
    sourcePortRange: '*',
    sourceAddressPrefix: '*',
    destinationAddressPrefix: '*',
    destinationPortRange: '*',
    description: ownerMark(deployment),
  }),
});

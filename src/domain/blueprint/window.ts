/** What an access window adds to a Sentry for a while. Pure. */
import { ownerMark, type Resource, type ResourceOf, type Tags } from '../resources';
import { type ApplianceChoice, armId, type Blueprint, tracked } from './blueprint';
import { nameOf } from './naming';

/** What an access window opens, and to whom. Ids are of resources that the Sentry has. */
export interface WindowScope {
  readonly deployment: string;
  readonly n: number;
  readonly location: string;
  readonly tags: Tags;
  readonly publicIPAddressId: string;
  readonly networkSecurityGroupId: string;
  readonly networkInterfaceId: string;
  readonly ruleName: string;
  readonly sources: readonly string[];
  readonly ports: readonly number[];
  /** ISO 8601. The rule's description carries it, so that it can be closed with no state at all. */
  readonly expiresAt: string;
}

export function windowScope(
  blueprint: Blueprint,
  n: number,
  { access }: ApplianceChoice,
  egress: readonly string[],
  ids: WindowIds,
): WindowScope {
  const { request, profile } = blueprint;
  return {
    deployment: request.name,
    n,
    ...tracked(request),
    publicIPAddressId: armId(request, 'Microsoft.Network/publicIPAddresses', nameOf(blueprint, 'windowAddress', n)),
    ruleName: profile.names.inboundRule,
    sources: [...new Set([...access.sourceAddresses, ...egress])],
    ports: access.ports,
    ...ids,
  };
}
type WindowIds = Pick<WindowScope, 'networkSecurityGroupId' | 'networkInterfaceId' | 'expiresAt'>;

/** Guide, "Add the following rule" and "assign a new public IP temporarily for configuration". */
export function windowResources(scope: WindowScope): readonly Resource[] {
  const { location, tags } = scope;
  const address: ResourceOf<'publicIPAddress'> = {
    kind: 'publicIPAddress',
    key: 'publicIPAddress',
    id: scope.publicIPAddressId,
    needs: [],
    wanted: () => ({ location, tags, sku: { name: 'Standard' }, publicIPAllocationMethod: 'Static' }),
  };
  const association: ResourceOf<'publicIPAssociation'> = {
    kind: 'publicIPAssociation',
    key: 'publicIPAssociation',
    id: scope.networkInterfaceId,
    needs: ['publicIPAddress'],
    wanted: () => ({ networkInterfaceId: scope.networkInterfaceId, publicIPAddressId: address.id }),
  };
  const rules = scope.ports.map((port, index): ResourceOf<'securityRule'> => ({
    kind: 'securityRule',
    key: `securityRule/${port}`,
    id: `${scope.networkSecurityGroupId}/securityRules/${scope.ruleName.replace('{port}', String(port))}`,
    // Last to open: while the address still takes its time, no port is open yet.
    needs: ['publicIPAssociation'],
    wanted: () => ({
      priority: 100 + index,
      direction: 'Inbound',
      access: 'Allow',
      protocol: 'Tcp',
      sourcePortRange: '*',
      sourceAddressPrefixes: [...scope.sources],
      destinationAddressPrefix: '*',
      destinationPortRange: String(port),
      description: `${ownerMark(scope.deployment)} until ${scope.expiresAt}`,
    }),
  }));
  return [address, association, ...rules];
}

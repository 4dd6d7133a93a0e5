/** What an access window adds to a Sentry for a while. Pure. */
import { reversed } from '../graph';
import { type Resource, type ResourceOf, type Tags } from '../resources';
import { addressMark, ruleMark, WINDOW_TAG } from '../windowMark';
import { type ApplianceChoice, armId, type Blueprint, tracked } from './blueprint';
import { nameOf } from './naming';

/** What an access window opens, and to whom. Ids are of resources that the Sentry has. */
export interface WindowScope {
  readonly deployment: string;
  readonly n: number;
  readonly location: string;
  readonly tags: Tags;
  /** Made for the window and gone after it. Absent where the appliance is reached by its private address. */
  readonly publicAddress?: { readonly id: string; readonly networkInterfaceId: string };
  /** Where the appliance is reached without a public address. */
  readonly privateAddress?: string;
  readonly rules: readonly { readonly id: string; readonly port: number }[];
  readonly sources: readonly string[];
  /** ISO 8601. Whatever the window makes bears it, so that it can be closed with no state at all. */
  readonly expiresAt: string;
}

/** What of the Sentry the window is put on. */
interface WindowIds {
  readonly networkSecurityGroupId: string;
  readonly networkInterfaceId: string;
  readonly privateAddress?: string | undefined;
  readonly expiresAt: string;
}

export function windowScope(
  blueprint: Blueprint,
  n: number,
  { access }: ApplianceChoice,
  egress: readonly string[],
  { networkSecurityGroupId, networkInterfaceId, privateAddress, expiresAt }: WindowIds,
): WindowScope {
  const { request, profile } = blueprint;
  const publicAddress = {
    id: armId(request, 'Microsoft.Network/publicIPAddresses', nameOf(blueprint, 'windowAddress', n)),
    networkInterfaceId,
  };
  return {
    deployment: request.name,
    n,
    ...tracked(request),
    ...(access.kind === 'private' ? { privateAddress: privateAddress ?? '' } : { publicAddress }),
    rules: access.ports.map((port) => ({
      id: `${networkSecurityGroupId}/securityRules/${profile.names.inboundRule.replace('{port}', String(port))}`,
      port,
    })),
    sources: [...new Set([...access.sourceAddresses, ...egress])],
    expiresAt,
  };
}

/** The highest that Azure allows: nothing that another hand adds decides before ours. */
const FIRST_PRIORITY = 100;

/** Guide, "Add the following rule" and "assign a new public IP temporarily for configuration". */
export function windowResources(scope: WindowScope): readonly Resource[] {
  const address = scope.publicAddress ? addressResources(scope, scope.publicAddress) : [];
  const rules = scope.rules.map(({ id, port }, index): ResourceOf<'securityRule'> => ({
    kind: 'securityRule',
    key: `securityRule/${port}`,
    id,
    // Last to open: while the address still takes its time, no port is open yet.
    needs: address.slice(-1).map(({ key }) => key),
    wanted: () => ({
      priority: FIRST_PRIORITY + index,
      direction: 'Inbound',
      access: 'Allow',
      protocol: 'Tcp',
      sourcePortRange: '*',
      sourceAddressPrefixes: [...scope.sources],
      destinationAddressPrefix: '*',
      destinationPortRange: String(port),
      description: ruleMark(scope),
    }),
  }));
  return [...address, ...rules];
}

/**
 * The same in the order of closing. Only an address that is on something waits: whatever keeps a rule (a lock, a
 * policy) must not keep the appliance on the internet.
 */
export const windowRemovals = (scope: WindowScope): readonly Resource[] =>
  reversed(
    windowResources(scope).map((one) => (one.kind === 'securityRule' ? { ...one, needs: [] } : one)),
  ).toReversed();

function addressResources(
  scope: WindowScope,
  { id, networkInterfaceId }: NonNullable<WindowScope['publicAddress']>,
): readonly Resource[] {
  const tags = { ...scope.tags, [WINDOW_TAG]: addressMark({ ...scope, networkInterfaceId }) };
  return [
    {
      kind: 'publicIPAddress',
      key: 'publicIPAddress',
      id,
      needs: [],
      wanted: () => ({
        location: scope.location,
        tags,
        sku: { name: 'Standard' },
        publicIPAllocationMethod: 'Static',
      }),
    },
    {
      kind: 'publicIPAssociation',
      key: 'publicIPAssociation',
      id: networkInterfaceId,
      needs: ['publicIPAddress'],
      wanted: () => ({ networkInterfaceId, publicIPAddressId: id }),
    },
  ];
}

/** The parts of an ARM id that the SDK's methods want apart. */
export interface ArmId {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** Names along the path: `[network, subnet]` for a subnet. */
  readonly names: readonly [string, string];
}

/** Reads an id such as `/subscriptions/…/resourceGroups/…/providers/Microsoft.Network/virtualNetworks/v/subnets/s`. */
export function parseArmId(id: string): ArmId {
  const [container = '', type = ''] = id.split(/\/providers\//i);
  const [, , subscriptionId = '', , resourceGroup = ''] = container.split('/');
  const [, , name = '', , child = ''] = type.split('/');
  return { subscriptionId, resourceGroup, names: [name, child] };
}

/** The parts of an ARM id that the SDK's methods want apart. */
export interface ArmId {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** Names along the path: `[network, subnet]` for a subnet. */
  readonly names: readonly [string, string];
}

/** Reads an id such as `/subscriptions/…/resourceGroups/…/providers/Microsoft.Network/virtualNetworks/v/subnets/s`. */
export function parseArmId(id: string): ArmId {
  // The last one: a resource group may be called `providers`.
  const at = id.toLowerCase().lastIndexOf('/providers/');
  const [container, type] = at < 0 ? [id, ''] : [id.slice(0, at), id.slice(at + '/providers/'.length)];
  const [, , subscriptionId = '', , resourceGroup = ''] = container.split('/');
  const [, , name = '', , child = ''] = type.split('/');
  return { subscriptionId, resourceGroup, names: [name, child] };
}

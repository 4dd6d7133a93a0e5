import { type Azure } from '../azure';
import { vmProperties } from '../compute/shapes';
import { networkInterfaces, nicProperties } from '../network/networkInterfaces';
import { defaultHopOf } from '../network/routeTables';
import { portRange, portsOf, type Rule, sourcesOf } from '../network/securityRules';
import { addressSpaceOf } from '../network/virtualNetworks';
import { type Resource } from '../store/resources';
import { groupOf, matches, publicAddressOf, rulesInForce, within } from './reach';

export interface Egress {
  readonly allowed: boolean;
  /** What decided: a rule, or the missing way out. */
  readonly why: string;
}

/** Tags of the services behind the simulator's own address; every other host is the internet's alone. */
const AZURE_TAGS = /^(AzureCloud|AzureResourceManager|AzureActiveDirectory)(\.|$)/i;

/**
 * Whether a VM's connection to a host gets out: through its own public address, its subnet's NAT gateway, or the
 * default way that a subnet has unless it is private (azure-docs, default-outbound-access); and past the rules.
 */
export function egress(azure: Azure, vm: Resource, host: string, port: number): Egress {
  const nicId = vmProperties.parse(vm.document.properties).networkProfile.networkInterfaces[0]?.id ?? '';
  const nic = azure.resources.get(nicId);
  const [configuration] =
    nic?.type === networkInterfaces.type ? nicProperties.parse(nic.document.properties).ipConfigurations : [];
  if (nic === undefined || configuration === undefined) return { allowed: false, why: 'no network interface' };
  const { subnet, publicIPAddress, privateIPAddress = '' } = configuration.properties;
  const around = azure.resources.get(subnet.id);
  const { natGateway, defaultOutboundAccess } = around?.document.properties ?? {};
  const hop = defaultHopOf(azure, around?.document.properties['routeTable']);
  if (hop === 'None') return { allowed: false, why: 'the route to 0.0.0.0/0 leads nowhere' };
  const isOut =
    publicAddressOf(azure, publicIPAddress?.id) !== undefined ||
    natGateway !== undefined ||
    isElsewhere(hop) ||
    defaultOutboundAccess !== false;
  if (!isOut) return { allowed: false, why: 'the subnet is private and has no NAT gateway' };

  const space = addressSpaceOf(azure, subnet.id);
  const isAzure = host === new URL(azure.origin).hostname;
  for (const group of [groupOf(nic), groupOf(around)].flatMap((id) => id ?? [])) {
    const found = rulesInForce(azure, group).find(({ properties }) =>
      applies(properties, { port, isAzure, from: privateIPAddress, space }),
    );
    if (found?.properties.access !== 'Allow') return { allowed: false, why: found?.name ?? 'none' };
  }
  return { allowed: true, why: 'nothing is in its way' };
}

/** A firewall or a gateway at the end of a route is taken to let everything through. */
const isElsewhere = (hop: string | undefined): boolean => /^virtual(appliance|networkgateway)$/i.test(hop ?? '');

interface Connection {
  readonly port: number;
  readonly isAzure: boolean;
  readonly from: string;
  readonly space: readonly string[];
}

function applies(rule: Rule, { port, isAzure, from, space }: Connection): boolean {
  if (rule.direction !== 'Outbound' || !['*', 'tcp'].includes(rule.protocol.toLowerCase())) return false;
  const destinations = [rule.destinationAddressPrefix ?? [], rule.destinationAddressPrefixes].flat();
  return (
    portsOf(rule).some((text) => within(portRange(text), port)) &&
    sourcesOf(rule).some((prefix) => matches(prefix, from, space)) &&
    destinations.some((prefix) => isInternet(prefix) || (isAzure && AZURE_TAGS.test(prefix)))
  );
}

/** Names are not resolved here: a range of addresses covers a host only where it covers all. */
const isInternet = (prefix: string): boolean => ['*', 'internet', '0.0.0.0/0'].includes(prefix.toLowerCase());

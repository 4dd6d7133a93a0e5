/** What the set-up of an appliance takes beside the resources that stay: window, script, proof. Pure. */
import { applianceOf, armId, type ApplianceChoice, type Blueprint, groupId } from '../blueprint/blueprint';
import { nameOf } from '../blueprint/naming';
import { windowResources, windowScope } from '../blueprint/window';
import { COMPUTE, NETWORK, RUN_COMMANDS, VAULT } from './kinds';
import { KEY_VAULT, type Use, usesOf } from './uses';

/** Of one visit to an appliance; nothing where there is none. */
export function visitUses(blueprint: Blueprint): readonly Use[] {
  const appliance = applianceOf(blueprint);
  if (!appliance) return [];
  const keys = [...VAULT.read, ...VAULT.write].map((permission) => ({
    permission,
    scope: KEY_VAULT,
    why: 'The console’s email and PIN, and the key of each session, are in Key Vault alone',
  }));
  return [...applianceUses(blueprint), ...keys];
}

/** What of it is the resource group's: what preflight asks for with the rest. */
export function applianceUses(blueprint: Blueprint): readonly Use[] {
  const appliance = applianceOf(blueprint);
  if (!appliance) return [];
  const { kind } = appliance.configuration;
  if (kind === 'runCommand') return runCommandUses(blueprint);
  return [...windowUses(blueprint, appliance), ...(kind === 'manual' ? [trafficUse(blueprint)] : [])];
}

const WINDOW =
  'The access window: it opens for the set-up and is proven closed after it (guide, "Create a network security group", steps 3 to 6)';

function windowUses(blueprint: Blueprint, appliance: ApplianceChoice): readonly Use[] {
  const id = (type: string, name: 'networkSecurityGroup' | 'networkInterface'): string =>
    armId(blueprint.request, `${NETWORK}/${type}`, nameOf(blueprint, name, 1));
  const scope = windowScope(blueprint, 1, appliance, [], {
    networkSecurityGroupId: id('networkSecurityGroups', 'networkSecurityGroup'),
    networkInterfaceId: id('networkInterfaces', 'networkInterface'),
    expiresAt: '',
  });
  return windowResources(scope)
    .flatMap((one) => (['read', 'write', 'remove'] as const).flatMap((verb) => usesOf(blueprint, one, verb)))
    .map((use) => ({ ...use, why: WINDOW }));
}

function runCommandUses({ request }: Blueprint): readonly Use[] {
  const why = 'The set-up script and the proofs go by run command (configuration.kind)';
  const rights = ['read', 'write', 'delete'].map((verb) => `${RUN_COMMANDS}/${verb}`);
  return [`${COMPUTE}/virtualMachines/instanceView/read`, ...rights].map((permission) => ({
    permission,
    scope: groupId(request),
    why,
  }));
}

const trafficUse = ({ request }: Blueprint): Use => ({
  permission: 'Microsoft.Insights/metrics/read',
  scope: groupId(request),
  why: 'Whether an appliance that a person set up collects is read off its traffic (configuration.kind manual)',
});

/** The sweep looks for windows that were left open, in every group of ours. */
export const sweepUses = ({ request }: Blueprint): readonly Use[] =>
  ['networkSecurityGroups', 'publicIPAddresses'].map((type) => ({
    permission: `${NETWORK}/${type}/read`,
    scope: groupId(request),
    why: 'The sweep for access windows that were left open, every five minutes',
  }));

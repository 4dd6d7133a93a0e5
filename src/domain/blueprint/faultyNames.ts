/** What is wrong with the names that templates make, before Azure says so half-way. Pure. */
import type { Fault } from '../faults';
import type { NameKey } from '../profile';
import { type Named, nameOf, sharedName, templateOf } from './naming';

interface Rule {
  /** Things of one type in one resource group need different names. */
  readonly type: string;
  readonly pattern: RegExp;
  readonly longest: number;
  /** Made once for all Sentries. */
  readonly shared?: true;
}

/** Letters, digits, `_`, `.` and `-`, from a letter or digit to a letter, digit or `_`. */
const NETWORK = /^[a-z0-9]([a-z0-9_.-]*[a-z0-9_])?$/i;

/** azure-docs, "Naming rules and restrictions for Azure resources". */
const rules: Readonly<Record<NameKey, Rule>> = {
  networkSecurityGroup: { type: 'networkSecurityGroups', pattern: NETWORK, longest: 80 },
  userAssignedIdentity: { type: 'userAssignedIdentities', pattern: /^[a-z0-9][a-z0-9_-]{2,}$/i, longest: 128 },
  application: { type: 'applications', pattern: /\S/, longest: 120 },
  // The computer is called so too: no underscores and full stops, and at most 64 characters on Linux.
  virtualMachine: { type: 'virtualMachines', pattern: /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i, longest: 64 },
  networkInterface: { type: 'networkInterfaces', pattern: NETWORK, longest: 80 },
  virtualNetwork: { type: 'virtualNetworks', pattern: /^[a-z0-9][a-z0-9_.-]*[a-z0-9_]$/i, longest: 64, shared: true },
  subnet: { type: 'subnets', pattern: NETWORK, longest: 80, shared: true },
  natGateway: { type: 'natGateways', pattern: NETWORK, longest: 80, shared: true },
  egressAddress: { type: 'publicIPAddresses', pattern: NETWORK, longest: 80, shared: true },
  windowAddress: { type: 'publicIPAddresses', pattern: NETWORK, longest: 80 },
  image: { type: 'images', pattern: NETWORK, longest: 80, shared: true },
};
const keys = Object.keys(rules) as readonly NameKey[];

/** Whether a security rule can be called so. */
export const isRuleName = (name: string): boolean => NETWORK.test(name) && name.length <= 80;

/** Pointers are into a request or a profile: both have their templates under `/names`. `sentries` are those looked at. */
export function faultyNames(named: Named, sentries: readonly number[]): readonly Fault[] {
  const misplaced = placeholders(named);
  return misplaced.length > 0 ? misplaced : [...unfit(named, sentries), ...clashes(named, sentries)];
}

const fault = (key: NameKey, detail: string): Fault => ({ pointer: `/names/${key}`, detail });

const placeholders = (named: Named): readonly Fault[] =>
  keys.flatMap((key) => {
    const template = templateOf(named, key);
    if (key === 'virtualMachine' && template.includes('{vm}')) return [fault(key, 'cannot be made of itself')];
    return rules[key].shared && /\{(n|vm)\}/.test(template)
      ? [fault(key, 'is shared by all Sentries, so it has neither {n} nor {vm}')]
      : [];
  });

const namesOf = (named: Named, key: NameKey, sentries: readonly number[]): readonly string[] =>
  rules[key].shared ? [sharedName(named, key)] : sentries.map((n) => nameOf(named, key, n));

/** Names that Azure would not take: the first of each template is told. */
const unfit = (named: Named, sentries: readonly number[]): readonly Fault[] =>
  keys.flatMap((key) => {
    const { pattern, longest } = rules[key];
    const name = namesOf(named, key, sentries).find((one) => one.length > longest || !pattern.test(one));
    if (name === undefined) return [];
    const why =
      name.length > longest ? `is longer than the ${longest} characters that Azure takes` : 'Azure does not take';
    return [fault(key, `makes '${name}', which ${why}`)];
  });

/** Two things of one type with one name would be one thing, and what is closed for one Sentry would close for another. */
function clashes(named: Named, sentries: readonly number[]): readonly Fault[] {
  const taken = new Map<string, NameKey>();
  return keys.flatMap((key) =>
    namesOf(named, key, sentries).flatMap((name) => {
      const place = `${rules[key].type}/${name}`.toLowerCase();
      const other = taken.get(place);
      taken.set(place, key);
      return other === undefined ? [] : [fault(key, `makes '${name}', and so does names.${other}`)];
    }),
  );
}

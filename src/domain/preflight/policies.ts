/** Which of the policies assigned above the resource group would deny what a deployment puts there. Pure. */
import { applianceOf, type Blueprint } from '../blueprint/blueprint';
import type { Kind, Resource } from '../resources';
import { finding } from './codes';
import { plannedResources } from './existing';
import type { Finding } from './finding';
import { meets, resolve, type Subject } from './policyRule';

export interface PolicyDefinition {
  readonly id: string;
  readonly name: string;
  readonly mode: string;
  readonly rule: unknown;
  readonly effect: unknown;
  readonly defaults: Readonly<Record<string, unknown>>;
}
export interface PolicyAssignment {
  readonly id: string;
  readonly name: string;
  /** Of a policy, or of an initiative, which is several. */
  readonly definitionId: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly enforced: boolean;
  readonly notScopes: readonly string[];
}
/** A policy in an initiative: its parameters are texts that may name the initiative's. */
interface Member {
  readonly definitionId: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}
export interface Initiative {
  readonly id: string;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly members: readonly Member[];
}
export interface Policies {
  readonly assignments: readonly PolicyAssignment[];
  readonly definitions: readonly PolicyDefinition[];
  readonly initiatives: readonly Initiative[];
}

interface Applied {
  readonly assignment: PolicyAssignment;
  readonly definition: PolicyDefinition;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export function checkPolicies(blueprint: Blueprint, policies: Policies): readonly Finding[] {
  const subjects = subjectsOf(blueprint);
  const applied = policies.assignments.flatMap((one) => (counts(one, blueprint) ? appliedOf(one, policies) : []));
  const effects = applied.map((one) => [one, effectOf(one)] as const);
  // Tags that a policy adds are there when the next one is asked.
  const addsTags = effects.some(([, effect]) => effect === 'modify' || effect === 'append');
  return effects.flatMap(([one, effect]) =>
    effect === 'deny' || effect === 'unknown' ? judge(one, subjects, addsTags && effect === 'deny', effect) : [],
  );
}

/** An assignment that is not enforced denies nothing, and one that leaves out the group does not reach it. */
function counts({ enforced, notScopes }: PolicyAssignment, { request: { placement } }: Blueprint): boolean {
  const group = `/subscriptions/${placement.subscriptionId}/resourceGroups/${placement.resourceGroup}/`.toLowerCase();
  return enforced && !notScopes.some((scope) => group.startsWith(`${scope.toLowerCase()}/`));
}

function appliedOf(assignment: PolicyAssignment, { definitions, initiatives }: Policies): readonly Applied[] {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const byId = (id: string): PolicyDefinition | undefined => definitions.find((one) => same(one.id, id));
  const single = byId(assignment.definitionId);
  if (single) return [{ assignment, definition: single, parameters: { ...single.defaults, ...assignment.parameters } }];
  const initiative = initiatives.find((one) => same(one.id, assignment.definitionId));
  const outer = { ...initiative?.defaults, ...assignment.parameters };
  return (initiative?.members ?? []).flatMap((member) => {
    const definition = byId(member.definitionId);
    if (!definition) return [];
    const given = Object.entries(member.parameters).map(([name, value]) => [name, resolve(value, outer)] as const);
    return [{ assignment, definition, parameters: { ...definition.defaults, ...Object.fromEntries(given) } }];
  });
}

const EFFECTS = [
  'deny',
  'denyaction',
  'audit',
  'disabled',
  'append',
  'modify',
  'auditifnotexists',
  'deployifnotexists',
  'manual',
  'addtonetworkgroup',
  'mutate',
];

function effectOf({ definition, parameters }: Applied): string {
  const effect = resolve(definition.effect, parameters);
  const text = typeof effect === 'string' ? effect.toLowerCase() : 'unknown';
  return EFFECTS.includes(text) ? text : 'unknown';
}

function judge(
  { assignment, definition, parameters }: Applied,
  subjects: readonly Subject[],
  addsTags: boolean,
  effect: string,
): readonly Finding[] {
  const ofTags = addsTags && JSON.stringify(definition.rule).toLowerCase().includes('tags');
  const verdicts = subjects
    .filter((subject) => !/^indexed$/i.test(definition.mode) || isIndexed(subject))
    .map((subject) => [subject, meets(definition.rule, subject, parameters)] as const);
  const certain = effect === 'deny' && !ofTags;
  const denied = verdicts.filter(([, verdict]) => verdict === true).map(([subject]) => subject);
  const open = verdicts.filter(([, verdict]) => verdict === undefined).map(([subject]) => subject);
  const policy = `The policy '${assignment.name}' (${definition.name})`;
  const how = `See it: az policy assignment show --ids ${assignment.id}. Change the request, or its owner runs: az policy exemption create --name sentry --policy-assignment ${assignment.id} --exemption-category Waiver --scope <resource group>.`;
  const named = (list: readonly Subject[]): string =>
    [...new Set(list.map(({ type, name }) => `${type} '${name}'`))].join(', ');
  if (certain && denied.length > 0)
    return [finding('PolicyDenies', assignment.id, `${policy} denies ${named(denied)}`, how)];
  const maybe = certain ? open : [...denied, ...open];
  return maybe.length > 0 ? [finding('PolicyMayDeny', assignment.id, `${policy} may deny ${named(maybe)}`, how)] : [];
}

/** Types without tags and a region are left alone by policies of mode Indexed. */
const isIndexed = ({ type, body }: Subject): boolean => type.split('/').length === 2 && body['location'] !== undefined;

/** What one Sentry and the shared part put into the host subscription, and what a window adds to its interface. */
function subjectsOf(blueprint: Blueprint): readonly Subject[] {
  const planned = plannedResources(blueprint, 1).flatMap(subjectOf);
  const opened =
    applianceOf(blueprint)?.access.kind === 'temporaryPublicIp'
      ? planned.filter(({ type }) => /\/networkInterfaces$/i.test(type))
      : [];
  return [...planned, ...opened.map(withPublicAddress)];
}

/** Of the subscription, of another group, or no resource to a policy. */
const NO_SUBJECTS: readonly Kind[] = ['marketplaceAgreement', 'providerRegistration', 'vhdCopy', 'existingIdentity'];

function subjectOf(resource: Resource): readonly Subject[] {
  const [container = '', rest] = resource.id.split(/\/providers\/(?=[^/]+\/[^/]+\/[^/]+)/i);
  if (!container.startsWith('/subscriptions/') || NO_SUBJECTS.includes(resource.kind)) return [];
  const [namespace = '', ...segments] = rest?.split('/') ?? [];
  const type =
    rest === undefined
      ? 'Microsoft.Resources/subscriptions/resourceGroups'
      : [namespace, ...segments.filter((_, at) => at % 2 === 0)].join('/');
  const name = resource.id.slice(resource.id.lastIndexOf('/') + 1);
  const body: unknown = resource.wanted((key, output) => `${key}/${output}`);
  return [{ id: resource.id, name, type, body: { ...(body as object) } }];
}

const withPublicAddress = (subject: Subject): Subject => ({
  ...subject,
  body: { ...subject.body, ipConfigurations: [{ publicIPAddress: { id: 'the window’s' } }] },
});

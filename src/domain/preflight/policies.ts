/** Which of the policies assigned above what a deployment puts would deny it, or change the VM's identity. Pure. */
import { applianceOf, type Blueprint } from '../blueprint/blueprint';
import type { Kind, Resource } from '../resources';
import { isSame } from '../sameId';
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
  /** What it does where its rule is met, as it is written. */
  readonly then?: unknown;
  readonly defaults: Readonly<Record<string, unknown>>;
}
export interface PolicyAssignment {
  readonly id: string;
  readonly scope: string;
  readonly name: string;
  /** Of a policy, or of an initiative, which is several. */
  readonly definitionId: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly enforced: boolean;
  readonly notScopes: readonly string[];
  /** Selectors or overrides make it count for some resources only, or with another effect: which is not worked out. */
  readonly selective: boolean;
}
/** Takes a scope out of an assignment, or out of some policies of an initiative. */
interface PolicyExemption {
  readonly scope: string;
  readonly assignmentId: string;
  /** Of some policies of the initiative alone; an exemption of all of them where it is empty. */
  readonly members: readonly string[];
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
  /** Those that have not run out, wherever they are. */
  readonly exemptions: readonly PolicyExemption[];
}

interface Applied {
  readonly assignment: PolicyAssignment;
  readonly definition: PolicyDefinition;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly effect: string;
}

/** A place that policies reach: itself and what is above it. */
export interface Reached {
  readonly scope: string;
  readonly above: readonly string[];
}

/**
 * A group that exists is used as it is, whatever a policy wants of new ones. `machinesAlone`: all else stands, and they
 * are to get another size.
 */
export function checkPolicies(
  blueprint: Blueprint,
  policies: Policies,
  place: Reached,
  groupExists = false,
  machinesAlone = false,
): readonly Finding[] {
  const subjects = subjectsOf(blueprint).filter(
    (one) => (!groupExists || one.id !== place.scope) && (!machinesAlone || isMachine(one)),
  );
  const applied = appliedAt(place, policies);
  return [...deniedOf(subjects, applied), ...checkIdentity(blueprint, subjects, applied)];
}

/** All that counts at a place, each policy of an initiative by itself. */
export const appliedAt = (place: Reached, policies: Policies): readonly Applied[] =>
  policies.assignments.flatMap((one) => {
    if (!counts(one, place)) return [];
    const exempted = exemptionOf(one, place, policies);
    if (exempted === 'whole') return [];
    return appliedOf({ ...one, selective: one.selective || exempted === 'partly' }, policies);
  });

function deniedOf(subjects: readonly Subject[], applied: readonly Applied[]): readonly Finding[] {
  // Tags that a policy adds are there when the next one is asked.
  const addsTags = applied.some(({ effect }) => effect === 'modify' || effect === 'append');
  return applied.flatMap((one) => {
    const { certain, maybe } = verdictsOf(one, subjects, addsTags);
    if (certain.length > 0) return [finding('PolicyDenies', one.assignment.id, told(one, 'denies', certain), how(one))];
    return maybe.length > 0
      ? [finding('PolicyMayDeny', one.assignment.id, told(one, 'may deny', maybe), how(one))]
      : [];
  });
}

const isMachine = ({ type }: Subject): boolean => /^microsoft\.compute\/virtualmachines$/i.test(type);

const lowered = (scopes: readonly string[]): readonly string[] => scopes.map((scope) => scope.toLowerCase());

/** An assignment that is not enforced denies nothing, and one that leaves the place out does not reach it. */
function counts({ enforced, notScopes, scope }: PolicyAssignment, { scope: at, above }: Reached): boolean {
  const reached = lowered([at, ...above]);
  return enforced && reached.includes(scope.toLowerCase()) && !lowered(notScopes).some((one) => reached.includes(one));
}

function exemptionOf(
  { id }: PolicyAssignment,
  { scope: at, above }: Reached,
  { exemptions }: Policies,
): 'whole' | 'partly' | undefined {
  const reached = lowered([at, ...above]);
  const mine = exemptions.filter(
    ({ assignmentId, scope }) =>
      assignmentId.toLowerCase() === id.toLowerCase() && reached.includes(scope.toLowerCase()),
  );
  if (mine.some(({ members }) => members.length === 0)) return 'whole';
  return mine.length > 0 ? 'partly' : undefined;
}

function appliedOf(assignment: PolicyAssignment, { definitions, initiatives }: Policies): readonly Applied[] {
  const byId = (id: string): PolicyDefinition | undefined => definitions.find((one) => isSame(one.id, id));
  const of = (definition: PolicyDefinition, parameters: Readonly<Record<string, unknown>>): Applied => {
    const all = { ...definition.defaults, ...parameters };
    return { assignment, definition, parameters: all, effect: effectOf(definition, all) };
  };
  const single = byId(assignment.definitionId);
  if (single) return [of(single, assignment.parameters)];
  const initiative = initiatives.find((one) => isSame(one.id, assignment.definitionId));
  const outer = { ...initiative?.defaults, ...assignment.parameters };
  return (initiative?.members ?? []).flatMap((member) => {
    const definition = byId(member.definitionId);
    if (!definition) return [];
    const given = Object.entries(member.parameters).map(([name, value]) => [name, resolve(value, outer)] as const);
    return [of(definition, Object.fromEntries(given))];
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

function effectOf(definition: PolicyDefinition, parameters: Readonly<Record<string, unknown>>): string {
  const effect = resolve(definition.effect, parameters);
  const text = typeof effect === 'string' ? effect.toLowerCase() : 'unknown';
  return EFFECTS.includes(text) ? text : 'unknown';
}

export interface Verdicts {
  readonly certain: readonly Subject[];
  readonly maybe: readonly Subject[];
}

/** What a policy denies, and what it may deny; neither where it denies nothing at all. */
export function verdictsOf(
  { assignment, definition, parameters, effect }: Applied,
  subjects: readonly Subject[],
  addsTags = false,
): Verdicts {
  if (effect !== 'deny' && effect !== 'unknown') return { certain: [], maybe: [] };
  const ofTags = addsTags && JSON.stringify(definition.rule).toLowerCase().includes('tags');
  const verdicts = subjects
    .filter((subject) => !/^indexed$/i.test(definition.mode) || isIndexed(subject))
    .map((subject) => [subject, meets(definition.rule, subject, parameters)] as const);
  const denied = verdicts.filter(([, verdict]) => verdict === true).map(([subject]) => subject);
  const open = verdicts.filter(([, verdict]) => verdict === undefined).map(([subject]) => subject);
  return effect === 'deny' && !ofTags && !assignment.selective
    ? { certain: denied, maybe: open }
    : { certain: [], maybe: [...denied, ...open] };
}

export const policyNamed = ({ assignment, definition }: Applied): string =>
  `The policy '${assignment.name}' (${definition.name})`;

const told = (one: Applied, does: string, list: readonly Subject[]): string =>
  `${policyNamed(one)} ${does} ${[...new Set(list.map(({ type, name }) => `${type} '${name}'`))].join(', ')}`;

const how = ({ assignment: { id } }: Applied): string =>
  `\`az policy assignment show --ids ${id}\` shows it. Change the request, or its owner runs \`az policy exemption create --name sentry --policy-assignment ${id} --exemption-category Waiver --scope <resource group>\`.`;

/** A change of a VM's own identity, as `modify` writes it and as a template of `deployIfNotExists` does. */
const OF_IDENTITY = /"identity"\s*:|"identity\.|userassignedidentities/i;

/**
 * The appliance asks Azure for a token without naming an identity. Beside a system-assigned one it is given that one's,
 * which reads nothing; with two user-assigned ones it is refused (azure-docs, "How to use managed identities on a VM").
 */
function checkIdentity(
  { request }: Blueprint,
  subjects: readonly Subject[],
  applied: readonly Applied[],
): readonly Finding[] {
  if (request.identity.kind !== 'managedIdentity') return [];
  const machines = subjects.filter(isMachine);
  return applied.flatMap((one) => {
    const { definition, parameters, assignment, effect } = one;
    const adds = ['modify', 'deployifnotexists', 'append', 'unknown'].includes(effect);
    if (!adds || !OF_IDENTITY.test(JSON.stringify(definition.then ?? null))) return [];
    if (!machines.some((machine) => meets(definition.rule, machine, parameters) !== false)) return [];
    const reason = `${policyNamed(one)} may give the VM a second identity, and the appliance signs in without saying as which`;
    const remedy = `Its owner runs \`az policy exemption create --name sentry-identity --policy-assignment ${assignment.id} --exemption-category Waiver --scope <resource group>\`. Or ask for identity.kind appRegistration.`;
    return [finding('SecondIdentity', assignment.id, reason, remedy)];
  });
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

import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { notSimulated } from '../http/notSimulated';
import { randomUUID } from '../random';
import { type DirectoryObject } from '../store/directoryObjects';
import { type Entry } from '../store/directory';
import { demand } from './access';
import { findApplication } from './applications';
import { graphBadRequest, graphBody, notFound } from './errors';
import { objectShown, principalsShown } from './objects';
import { collection, entity } from './odata';
import { findServicePrincipal } from './servicePrincipals';

const DEFAULT = '/v1.0/policies/defaultAppManagementPolicy';
const ALL = '/v1.0/policies/appManagementPolicies';
const ONE = `${ALL}/:policy`;
const DEFAULT_ID = '00000000-0000-0000-0000-000000000000';

/** App management policies: what the tenant lets applications have as credentials, and for how long. */
export const appPolicyRoutes = (azure: Azure): readonly Route[] => {
  const graph = { api: 'graph' } as const;
  return [
    { ...graph, method: 'GET', path: DEFAULT, handle: (call) => getDefault(azure, call) },
    { ...graph, method: 'PATCH', path: DEFAULT, handle: (call) => changeDefault(azure, call) },
    { ...graph, method: 'GET', path: ALL, handle: (call) => list(azure, call) },
    { ...graph, method: 'POST', path: ALL, handle: (call) => create(azure, call) },
    { ...graph, method: 'GET', path: ONE, handle: (call) => get(azure, call) },
    { ...graph, method: 'PATCH', path: ONE, handle: (call) => change(azure, call) },
    { ...graph, method: 'DELETE', path: ONE, handle: (call) => remove(azure, call) },
    { ...graph, method: 'GET', path: `${ONE}/appliesTo`, handle: (call) => appliesTo(azure, call) },
    ...(
      [
        ['applications', findApplication],
        ['servicePrincipals', findServicePrincipal],
      ] as const
    ).flatMap(([type, find]): Route[] => {
      const assigned = `/v1.0/${type}/:id/appManagementPolicies`;
      return [
        { ...graph, method: 'GET', path: assigned, handle: (call) => listAssigned(azure, call, find) },
        { ...graph, method: 'POST', path: `${assigned}/$ref`, handle: (call) => assign(azure, call, find) },
        { ...graph, method: 'DELETE', path: `${assigned}/:policy/$ref`, handle: (call) => unassign(azure, call, find) },
      ];
    }),
  ];
};

const moment = z.iso.datetime({ offset: true }).nullish();
const restriction = z.looseObject({
  restrictionType: z.string(),
  state: z.enum(['enabled', 'disabled']).default('enabled'),
  maxLifetime: z
    .string()
    .regex(/^P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?$/)
    .nullish(),
  restrictForAppsCreatedAfterDateTime: moment,
});
const restrictions = z.looseObject({
  passwordCredentials: z
    .array(
      restriction.extend({
        restrictionType: z.enum([
          'passwordAddition',
          'passwordLifetime',
          'customPasswordAddition',
          'symmetricKeyAddition',
          'symmetricKeyLifetime',
        ]),
      }),
    )
    .default([]),
  keyCredentials: z.array(restriction).default([]),
});
type Restrictions = z.infer<typeof restrictions>;

const named = {
  displayName: z.string().min(1).max(256).optional(),
  description: z.string().max(1024).optional(),
  isEnabled: z.boolean().optional(),
};
const tenantPolicy = z.looseObject({
  ...named,
  applicationRestrictions: restrictions.optional(),
  servicePrincipalRestrictions: restrictions.optional(),
});
const policy = z.looseObject({ ...named, restrictions: restrictions.optional() });

/** As every tenant has it from the start: it restricts nothing. */
const untouched = {
  displayName: 'Default app management tenant policy',
  description:
    'Default tenant policy that enforces app management restrictions on applications and service principals. To apply policy to targeted resources, create a new policy under appManagementPolicies collection.',
  isEnabled: false,
  applicationRestrictions: { passwordCredentials: [], keyCredentials: [] },
  servicePrincipalRestrictions: { passwordCredentials: [], keyCredentials: [] },
};

const defaultPolicy = ({ directoryObjects }: Azure): DirectoryObject =>
  directoryObjects.get('tenantAppManagementPolicy', DEFAULT_ID) ?? {
    id: DEFAULT_ID,
    kind: 'tenantAppManagementPolicy',
    document: untouched,
    createdAt: 0,
  };

function getDefault(azure: Azure, call: Call): Answer {
  demand(call, 'readPolicies');
  return ok(entity(call, azure.origin, 'policies/defaultAppManagementPolicy', objectShown(defaultPolicy(azure))));
}

function changeDefault(azure: Azure, call: Call): Answer {
  demand(call, 'writePolicies');
  const asked = graphBody(tenantPolicy, call, 'TenantAppManagementPolicy');
  demandCarriedOut(asked.applicationRestrictions);
  demandCarriedOut(asked.servicePrincipalRestrictions);
  const { document } = defaultPolicy(azure);
  azure.directoryObjects.add('tenantAppManagementPolicy', DEFAULT_ID, untouched, azure.now());
  azure.directoryObjects.setDocument(DEFAULT_ID, { ...document, ...asked });
  return { status: 204 };
}

/** Restrictions of certificates would be without effect here: refused, so that none is silently so. */
function demandCarriedOut(of: Restrictions | undefined): void {
  const other = of?.keyCredentials.find(({ state }) => state === 'enabled');
  if (other !== undefined)
    throw notSimulated(
      `The restriction '${other.restrictionType}' of key credentials`,
      'restrictions of password credentials.',
    );
}

function list(azure: Azure, call: Call): Answer {
  demand(call, 'readPolicies');
  const all = azure.directoryObjects.list('appManagementPolicy').map(objectShown);
  return ok(collection(call, azure.origin, 'policies/appManagementPolicies', all));
}

function create(azure: Azure, call: Call): Answer {
  demand(call, 'writePolicies');
  const asked = graphBody(policy, call, 'AppManagementPolicy');
  if (asked.displayName === undefined)
    throw graphBadRequest("A value is required for property 'displayName' of resource 'AppManagementPolicy'.");
  demandCarriedOut(asked.restrictions);
  const document = { description: null, isEnabled: false, ...asked };
  const made = azure.directoryObjects.add('appManagementPolicy', randomUUID(), document, azure.now());
  return { status: 201, body: entity(call, azure.origin, 'policies/appManagementPolicies', objectShown(made)) };
}

function findPolicy(azure: Azure, id: string): DirectoryObject {
  const found = azure.directoryObjects.get('appManagementPolicy', id);
  if (found === undefined) throw notFound(id);
  return found;
}

function get(azure: Azure, call: Call): Answer {
  demand(call, 'readPolicies');
  const found = objectShown(findPolicy(azure, param(call, 'policy')));
  return ok(entity(call, azure.origin, 'policies/appManagementPolicies', found));
}

function change(azure: Azure, call: Call): Answer {
  demand(call, 'writePolicies');
  const { id, document } = findPolicy(azure, param(call, 'policy'));
  const asked = graphBody(policy, call, 'AppManagementPolicy');
  demandCarriedOut(asked.restrictions);
  azure.directoryObjects.setDocument(id, { ...document, ...asked });
  return { status: 204 };
}

function remove(azure: Azure, call: Call): Answer {
  demand(call, 'writePolicies');
  azure.directoryObjects.remove(findPolicy(azure, param(call, 'policy')).id);
  return { status: 204 };
}

function appliesTo(azure: Azure, call: Call): Answer {
  demand(call, 'readPolicies');
  const holders = azure.directoryObjects.holders('appManagementPolicy', findPolicy(azure, param(call, 'policy')).id);
  return ok(collection(call, azure.origin, 'directoryObjects', principalsShown(azure, holders)));
}

type Find = (azure: Azure, call: Call) => Entry;

const assignedTo = ({ directoryObjects }: Azure, { id }: Entry): DirectoryObject[] =>
  directoryObjects
    .linked('appManagementPolicy', id)
    .flatMap((policyId) => directoryObjects.get('appManagementPolicy', policyId) ?? []);

function listAssigned(azure: Azure, call: Call, find: Find): Answer {
  demand(call, 'readPolicies');
  const assigned = assignedTo(azure, find(azure, call)).map(objectShown);
  return ok(collection(call, azure.origin, 'policies/appManagementPolicies', assigned));
}

const reference = z.looseObject({ '@odata.id': z.string() });

/** An application or service principal has one policy at most, which counts instead of the tenant's. */
function assign(azure: Azure, call: Call, find: Find): Answer {
  demand(call, 'writePolicies');
  demand(call, 'readAll');
  const found = find(azure, call);
  const id = graphBody(reference, call, 'AppManagementPolicy')['@odata.id'].split('/').at(-1) ?? '';
  const { id: policyId } = findPolicy(azure, id);
  if (assignedTo(azure, found).length > 0)
    throw graphBadRequest('Only one app management policy can be assigned to an application or service principal.');
  azure.directoryObjects.link('appManagementPolicy', found.id, policyId);
  return { status: 204 };
}

function unassign(azure: Azure, call: Call, find: Find): Answer {
  demand(call, 'writePolicies');
  demand(call, 'readAll');
  const id = param(call, 'policy');
  if (!azure.directoryObjects.unlink('appManagementPolicy', find(azure, call).id, id)) throw notFound(id);
  return { status: 204 };
}

/** The policy that counts for an application or service principal, if it is in force. */
function counting(azure: Azure, holder: Entry): { readonly id: string; readonly of: Restrictions } | undefined {
  const [own] = assignedTo(azure, holder);
  const { id, document } = own ?? defaultPolicy(azure);
  if (document['isEnabled'] !== true) return undefined;
  const side = holder.kind === 'application' ? 'applicationRestrictions' : 'servicePrincipalRestrictions';
  return { id, of: restrictions.parse(document[own === undefined ? side : 'restrictions'] ?? {}) };
}

/** Throws where a policy forbids a secret, or one that lives so long. @param start, end epoch milliseconds */
export function demandPassword(azure: Azure, holder: Entry, start: number, end: number): void {
  const found = counting(azure, holder);
  if (found === undefined) return;
  const { id, of } = found;
  const inForce = of.passwordCredentials.filter(
    ({ state, restrictForAppsCreatedAfterDateTime: after }) =>
      state === 'enabled' && (typeof after !== 'string' || holder.createdAt >= Date.parse(after)),
  );
  if (inForce.some(({ restrictionType }) => restrictionType === 'passwordAddition'))
    throw new AzureError(
      400,
      'CredentialTypeNotAllowedAsPerAppPolicy',
      `Credential type not allowed as per assigned policy '${id}'.`,
    );
  const tooLong = inForce.some(
    ({ restrictionType, maxLifetime }) =>
      restrictionType === 'passwordLifetime' && typeof maxLifetime === 'string' && end > after(start, maxLifetime),
  );
  if (tooLong)
    throw new AzureError(
      400,
      'CredentialInvalidLifetimeAsPerAppPolicy',
      `Credential lifetime exceeds the max value allowed as per assigned policy '${id}'.`,
    );
}

/** The time that an ISO 8601 duration ends which begins at `start`. */
function after(start: number, duration: string): number {
  const [, date = '', time = ''] = /^P([^T]*)T?(.*)$/.exec(duration) ?? [];
  const of = (text: string, unit: string): number => Number(new RegExp(`(\\d+)${unit}`).exec(text)?.[1] ?? 0);
  const at = new Date(start);
  at.setUTCFullYear(
    at.getUTCFullYear() + of(date, 'Y'),
    at.getUTCMonth() + of(date, 'M'),
    at.getUTCDate() + of(date, 'D'),
  );
  return at.getTime() + (of(time, 'H') * 3600 + of(time, 'M') * 60 + of(time, 'S')) * 1000;
}

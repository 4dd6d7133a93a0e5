import { z } from 'zod';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, param, type Route } from '../http/call';
import { type Entry } from '../store/directory';
import { demand, demandWrite } from './access';
import { graphBadRequest, graphBody, notFound, taken } from './errors';
import { type Item } from '../http/odataFilter';
import { randomUUID } from '../random';
import { entity, type Expansions } from './odata';
import { readRoutes } from './reads';
import { applicationShown as shown, principalsShown } from './objects';

const ALL = '/v1.0/applications';
const ONE = `${ALL}/:id`;

export const applicationRoutes = (azure: Azure): readonly Route[] => [
  ...readRoutes(azure, { name: 'applications', kind: 'application', shown, find: findApplication, expansions }),
  { method: 'POST', path: ALL, api: 'graph', handle: (call) => create(azure, call) },
  { method: 'PATCH', path: ONE, api: 'graph', handle: (call) => change(azure, call) },
  { method: 'DELETE', path: ONE, api: 'graph', handle: (call) => remove(azure, call) },
];

const AUDIENCES = [
  'AzureADMyOrg',
  'AzureADMultipleOrgs',
  'AzureADandPersonalMicrosoftAccount',
  'PersonalMicrosoftAccount',
];

const settings = z.looseObject({
  displayName: z.string().min(1).max(256).optional(),
  signInAudience: z.enum(AUDIENCES).optional(),
  tags: z.array(z.string()).optional(),
  notes: z.string().max(1024).nullable().optional(),
  uniqueName: z.string().optional(),
  identifierUris: z.array(z.string()).optional(),
  appRoles: z.array(z.looseObject({ id: z.guid(), value: z.string().nullish() })).optional(),
  keyCredentials: z.array(z.looseObject({ key: z.string().nullish(), keyId: z.guid().optional() })).optional(),
  passwordCredentials: z.array(z.looseObject({ keyId: z.string().optional() })).optional(),
  requiredResourceAccess: z
    .array(
      z.looseObject({
        resourceAppId: z.guid(),
        resourceAccess: z.array(z.looseObject({ id: z.guid(), type: z.enum(['Role', 'Scope']) })),
      }),
    )
    .optional(),
});
type Settings = z.infer<typeof settings>;

const READ_ONLY = ['id', 'appId', 'createdDateTime', 'deletedDateTime', 'publisherDomain'];

function asked(call: Call): Settings {
  const body = graphBody(settings, call, 'Application');
  const fixed = READ_ONLY.find((name) => body[name] !== undefined && body[name] !== null);
  if (fixed !== undefined) throw graphBadRequest(`Property '${fixed}' is read-only and cannot be set.`);
  return body;
}

function create(azure: Azure, call: Call): Answer {
  demand(call, 'create');
  const body = asked(call);
  if (body.displayName === undefined)
    throw graphBadRequest("A value is required for property 'displayName' of resource 'Application'.");
  const entry = add(azure, call, body);
  return { status: 201, body: entity(call, azure.origin, 'applications', shown(azure, entry)) };
}

function add(azure: Azure, call: Call, { passwordCredentials: _, ...body }: Settings): Entry {
  demandUnique(azure, body, undefined);
  const entry: Entry = {
    id: randomUUID(),
    kind: 'application',
    appId: randomUUID(),
    document: {
      signInAudience: 'AzureADandPersonalMicrosoftAccount',
      tags: [],
      identifierUris: [],
      requiredResourceAccess: [],
      appRoles: [],
      web: { redirectUris: [] },
      ...body,
      keyCredentials: identified(body.keyCredentials ?? []),
      publisherDomain: azure.tenant.domain,
    },
    owner: call.caller.principalId,
    createdAt: azure.now(),
    visibleAt: doneAt(azure, 'directoryReplication'),
    deletedAt: null,
  };
  azure.directory.add(entry);
  azure.directoryObjects.link('owner', entry.id, call.caller.principalId);
  return entry;
}

const identified = (keys: readonly Item[]): Item[] => keys.map((key) => ({ keyId: randomUUID(), ...key }));

/** `uniqueName` and identifier URIs are unique among all applications, the deleted too. */
function demandUnique(azure: Azure, { uniqueName, identifierUris = [] }: Settings, self: string | undefined): void {
  if (uniqueName !== undefined) {
    const other = azure.directory.everNamed(uniqueName);
    if (other !== undefined && other.id !== self) throw taken('uniqueName');
  }
  if (identifierUris.length === 0) return;
  const uris = z.array(z.string()).catch([]);
  const others = azure.directory.list('application').filter(({ id }) => id !== self);
  const used = new Set(others.flatMap(({ document }) => uris.parse(document['identifierUris'])));
  if (identifierUris.some((uri) => used.has(uri))) throw taken('identifierUris');
}

const expansions = (azure: Azure): Expansions => ({
  owners: ({ id }) => principalsShown(azure, azure.directoryObjects.linked('owner', String(id))),
});

/** By object id, or by `appId=…` and `uniqueName=…`, which the path normaliser makes of `(appId='…')`. */
export function findApplication(azure: Azure, call: Call): Entry {
  const id = param(call, 'id');
  const [key, value] = id.split('=');
  const found =
    value === undefined
      ? azure.directory.get('application', id)
      : key === 'uniqueName'
        ? azure.directory.list('application').find(({ document }) => document['uniqueName'] === value)
        : azure.directory.byAppId('application', value);
  if (found === undefined) throw notFound(value ?? id);
  return found;
}

/** With `Prefer: create-if-missing` and a `uniqueName` as the key it makes what is not there (Graph, "Upsert application"). */
function change(azure: Azure, call: Call): Answer {
  const [key, uniqueName = ''] = param(call, 'id').split('=');
  if (key === 'uniqueName' && call.header('prefer') === 'create-if-missing') return upsert(azure, call, uniqueName);
  const found = findApplication(azure, call);
  demandWrite(azure, call, found);
  store(azure, found, asked(call));
  return { status: 204 };
}

function store(azure: Azure, found: Entry, { passwordCredentials, ...body }: Settings): void {
  const was = found.document['uniqueName'];
  if (body.uniqueName !== undefined && was !== undefined && was !== body.uniqueName)
    throw graphBadRequest("Property 'uniqueName' is read-only and cannot be set.");
  demandUnique(azure, body, found.id);
  // Secrets cannot be brought in by a PATCH; those that it leaves out are removed.
  if (passwordCredentials !== undefined) keepPasswords(azure, found, passwordCredentials);
  const keys = body.keyCredentials === undefined ? {} : { keyCredentials: identified(body.keyCredentials) };
  azure.directory.setDocument(found.id, { ...found.document, ...body, ...keys });
}

function keepPasswords(azure: Azure, { id }: Entry, kept: readonly { readonly keyId?: string | undefined }[]): void {
  const known = azure.directory.passwords(id).map(({ keyId }) => keyId);
  const wanted = kept.map(({ keyId }) => keyId);
  if (wanted.some((keyId) => keyId === undefined || !known.includes(keyId)))
    throw graphBadRequest('New password credentials must be generated with service actions.');
  for (const keyId of known) if (!wanted.includes(keyId)) azure.directory.removePassword(id, keyId);
}

function upsert(azure: Azure, call: Call, uniqueName: string): Answer {
  const body = { ...asked(call), uniqueName };
  // Decided where it is written: what no replica shows yet is there all the same, and so is what was deleted.
  const found = azure.directory.everNamed(uniqueName);
  if (found === undefined) {
    demand(call, 'create');
    return { status: 201, body: entity(call, azure.origin, 'applications', shown(azure, add(azure, call, body))) };
  }
  if (found.deletedAt !== null) throw taken('uniqueName');
  demandWrite(azure, call, found);
  store(azure, found, body);
  return { status: 204 };
}

/** The application goes to the deleted items for 30 days; its service principal goes with it. */
function remove(azure: Azure, call: Call): Answer {
  const found = findApplication(azure, call);
  demandWrite(azure, call, found);
  azure.directory.softDelete(found.id);
  const principal = azure.directory.atSource('servicePrincipal', found.appId);
  if (principal !== undefined) azure.directory.softDelete(principal.id);
  return { status: 204 };
}

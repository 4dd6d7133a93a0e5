import { z } from 'zod';
import { doneAt, type Azure } from '../azure';
import { hashSecret } from '../entra/principals';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { randomBytes, randomUUID } from '../random';
import { type Entry } from '../store/directory';
import { demandCreate, demandRead, demandWrite } from './access';
import { denied, graphBadRequest, notFound } from './errors';
import { collection, entity } from './odata';

const ALL = '/v1.0/applications';
const ONE = `${ALL}/:id`;
const DELETED = '/v1.0/directory/deletedItems';

export const applicationRoutes = (azure: Azure): readonly Route[] => [
  { method: 'POST', path: ALL, api: 'graph', handle: (call) => create(azure, call) },
  { method: 'GET', path: ALL, api: 'graph', handle: (call) => list(azure, call) },
  { method: 'GET', path: ONE, api: 'graph', handle: (call) => get(azure, call) },
  { method: 'PATCH', path: ONE, api: 'graph', handle: (call) => change(azure, call) },
  { method: 'DELETE', path: ONE, api: 'graph', handle: (call) => remove(azure, call) },
  { method: 'POST', path: `${ONE}/addPassword`, api: 'graph', handle: (call) => addPassword(azure, call) },
  { method: 'POST', path: `${ONE}/removePassword`, api: 'graph', handle: (call) => removePassword(azure, call) },
  {
    method: 'GET',
    path: `${DELETED}/microsoft.graph.application`,
    api: 'graph',
    handle: (call) => listDeleted(azure, call),
  },
  {
    method: 'GET',
    path: `${DELETED}/:id`,
    api: 'graph',
    handle: (call) => ok(shown(azure, demandDeleted(azure, call))),
  },
  { method: 'DELETE', path: `${DELETED}/:id`, api: 'graph', handle: (call) => purge(azure, call) },
  { method: 'POST', path: `${DELETED}/:id/restore`, api: 'graph', handle: (call) => restore(azure, call) },
];

const settings = z.looseObject({
  displayName: z.string().min(1).max(256).optional(),
  signInAudience: z.string().optional(),
  tags: z.array(z.string()).optional(),
  notes: z.string().nullable().optional(),
  uniqueName: z.string().optional(),
  requiredResourceAccess: z
    .array(
      z.looseObject({
        resourceAppId: z.guid(),
        resourceAccess: z.array(z.looseObject({ id: z.guid(), type: z.enum(['Role', 'Scope']) })),
      }),
    )
    .optional(),
});

function create(azure: Azure, call: Call): Answer {
  demandCreate(call);
  const asked = parseBody(settings, call);
  if (asked.displayName === undefined)
    throw graphBadRequest("A value is required for property 'displayName' of resource 'Application'.");
  const entry = add(azure, call, asked);
  return { status: 201, body: entity(call, azure.origin, 'applications', shown(azure, entry)) };
}

function add(azure: Azure, call: Call, asked: z.infer<typeof settings>): Entry {
  const appId = randomUUID();
  const entry: Entry = {
    id: randomUUID(),
    kind: 'application',
    appId,
    document: {
      signInAudience: 'AzureADandPersonalMicrosoftAccount',
      tags: [],
      identifierUris: [],
      requiredResourceAccess: [],
      keyCredentials: [],
      appRoles: [],
      web: { redirectUris: [] },
      ...asked,
      publisherDomain: azure.tenant.domain,
    },
    owner: call.caller.principalId,
    createdAt: azure.now(),
    visibleAt: doneAt(azure, 'directoryReplication'),
    deletedAt: null,
  };
  azure.directory.add(entry);
  return entry;
}

/** Secrets are shown by id and hint, never as text. */
const shown = (azure: Azure, { id, appId, document, createdAt, deletedAt }: Entry): Record<string, unknown> => ({
  id,
  appId,
  deletedDateTime: deletedAt === null ? null : new Date(deletedAt).toISOString(),
  createdDateTime: new Date(createdAt).toISOString(),
  ...document,
  passwordCredentials: azure.directory.passwords(id).map((one) => ({ ...one.document, secretText: null })),
});

/** By object id, or by `appId=…` and `uniqueName=…`, which the path normaliser makes of `(appId='…')`. */
function find(azure: Azure, call: Call): Entry {
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

function list(azure: Azure, call: Call): Answer {
  demandRead(call);
  const items = azure.directory.list('application').map((entry) => shown(azure, entry));
  return ok(collection(call, azure.origin, 'applications', items));
}

function get(azure: Azure, call: Call): Answer {
  demandRead(call);
  return ok(entity(call, azure.origin, 'applications', shown(azure, find(azure, call))));
}

/** With `Prefer: create-if-missing` and a `uniqueName` as the key it makes what is not there (Graph, "Upsert application"). */
function change(azure: Azure, call: Call): Answer {
  const [key, uniqueName = ''] = param(call, 'id').split('=');
  if (key === 'uniqueName' && call.header('prefer') === 'create-if-missing') return upsert(azure, call, uniqueName);
  const found = find(azure, call);
  demandWrite(call, found);
  azure.directory.setDocument(found.id, { ...found.document, ...parseBody(settings, call) });
  return { status: 204 };
}

function upsert(azure: Azure, call: Call, uniqueName: string): Answer {
  const asked = { ...parseBody(settings, call), uniqueName };
  // Decided where it is written: what no replica shows yet is there all the same, and so is what was deleted.
  const found = azure.directory.everNamed(uniqueName);
  if (found === undefined) {
    demandCreate(call);
    return { status: 201, body: entity(call, azure.origin, 'applications', shown(azure, add(azure, call, asked))) };
  }
  if (found.deletedAt !== null)
    throw graphBadRequest('Another object with the same value for property uniqueName already exists.');
  demandWrite(call, found);
  azure.directory.setDocument(found.id, { ...found.document, ...asked });
  return { status: 204 };
}

/** The application goes to the deleted items for 30 days; its service principal goes with it. */
function remove(azure: Azure, call: Call): Answer {
  const found = find(azure, call);
  demandWrite(call, found);
  azure.directory.softDelete(found.id);
  const principal = azure.directory.atSource('servicePrincipal', found.appId);
  if (principal !== undefined) azure.directory.remove(principal.id);
  return { status: 204 };
}

const passwordBody = z.looseObject({
  passwordCredential: z
    .looseObject({
      displayName: z.string().nullable().optional(),
      startDateTime: z.iso.datetime({ offset: true }).optional(),
      endDateTime: z.iso.datetime({ offset: true }).optional(),
    })
    .default({}),
});

/** Answers 200 with the only copy of the secret there will be (azure-facts §3); kept is its hash. */
function addPassword(azure: Azure, call: Call): Answer {
  const found = find(azure, call);
  demandWrite(call, found);
  const { displayName = null, startDateTime, endDateTime } = parseBody(passwordBody, call).passwordCredential;
  const start = startDateTime === undefined ? azure.now() : Date.parse(startDateTime);
  const end = endDateTime === undefined ? twoYearsAfter(start) : Date.parse(endDateTime);
  if (end <= azure.now())
    throw graphBadRequest('Credential lifetime exceeds the max value allowed or its end date is in the past.');
  const secretText = `${randomBytes(2).toString('hex').slice(0, 3)}8Q~${randomBytes(26).toString('base64url').slice(0, 34)}`;
  const document = {
    customKeyIdentifier: null,
    displayName,
    endDateTime: new Date(end).toISOString(),
    hint: secretText.slice(0, 3),
    keyId: randomUUID(),
    startDateTime: new Date(start).toISOString(),
  };
  azure.directory.addPassword({
    keyId: document.keyId,
    applicationId: found.id,
    hash: hashSecret(secretText),
    document,
    endsAt: end,
  });
  return ok({
    '@odata.context': `${azure.origin}/v1.0/$metadata#microsoft.graph.passwordCredential`,
    ...document,
    secretText,
  });
}

function twoYearsAfter(start: number): number {
  const date = new Date(start);
  return date.setUTCFullYear(date.getUTCFullYear() + 2);
}

function removePassword(azure: Azure, call: Call): Answer {
  const found = find(azure, call);
  demandWrite(call, found);
  const { keyId } = parseBody(z.looseObject({ keyId: z.guid() }), call);
  if (azure.directory.removePassword(found.id, keyId)) return { status: 204 };
  throw graphBadRequest(`No password credential found with keyId '${keyId}'.`);
}

function demandDeleted(azure: Azure, call: Call): Entry {
  demandRead(call);
  const found = azure.directory.deleted(param(call, 'id'));
  if (found === undefined) throw notFound(param(call, 'id'));
  return found;
}

function listDeleted(azure: Azure, call: Call): Answer {
  demandRead(call);
  const items = azure.directory.deletedApplications().map((entry) => shown(azure, entry));
  return ok(collection(call, azure.origin, 'applications', items));
}

function purge(azure: Azure, call: Call): Answer {
  const found = demandDeleted(azure, call);
  demandWrite(call, found);
  azure.directory.remove(found.id);
  return { status: 204 };
}

function restore(azure: Azure, call: Call): Answer {
  const found = demandDeleted(azure, call);
  if (!call.caller.roles.includes('Application.ReadWrite.All')) throw denied();
  if (azure.directory.atSource('application', found.appId) !== undefined)
    throw new AzureError(
      409,
      'Request_MultipleObjectsWithSameKeyValue',
      'Another object with the same value for property appId already exists.',
    );
  azure.directory.restore(found.id);
  return ok(shown(azure, { ...found, deletedAt: null }));
}

import { z } from 'zod';
import { type Azure } from '../azure';
import { type Entry } from '../store/directory';
import { type DirectoryObject, type ObjectKind } from '../store/directoryObjects';
import { type Item } from '../http/odataFilter';

const keyList = z.array(z.record(z.string(), z.unknown())).catch([]);

/** Secrets are shown by id and hint, certificates without the key: never as text. */
export const applicationShown = (azure: Azure, { id, appId, document, createdAt, deletedAt }: Entry): Item => ({
  id,
  appId,
  deletedDateTime: deletedAt === null ? null : new Date(deletedAt).toISOString(),
  createdDateTime: new Date(createdAt).toISOString(),
  ...document,
  keyCredentials: keyList.parse(document['keyCredentials']).map((one) => ({ ...one, key: null })),
  passwordCredentials: azure.directory.passwords(id).map((one) => ({ ...one.document, secretText: null })),
});

const published = z.looseObject({
  appRoles: z.array(z.looseObject({ id: z.string() })).default([]),
  oauth2PermissionScopes: z.array(z.looseObject({ id: z.string(), value: z.string() })).default([]),
});

/** The roles and scopes that a service principal offers: its application's, or its own if its application is elsewhere. */
export function offered(azure: Azure, { appId, document }: Entry): z.infer<typeof published> {
  const application = azure.directory.byAppId('application', appId)?.document;
  const api = z.looseObject({ oauth2PermissionScopes: z.unknown() }).safeParse(application?.['api']);
  const own = published.safeParse(document);
  const ofApplication = published.safeParse({
    appRoles: application?.['appRoles'],
    oauth2PermissionScopes: api.success ? api.data.oauth2PermissionScopes : undefined,
  });
  if (application !== undefined && ofApplication.success) return ofApplication.data;
  return own.success ? own.data : { appRoles: [], oauth2PermissionScopes: [] };
}

export function servicePrincipalShown(azure: Azure, entry: Entry): Item {
  const { id, appId, document, deletedAt } = entry;
  const application = azure.directory.byAppId('application', appId)?.document;
  return {
    id,
    deletedDateTime: deletedAt === null ? null : new Date(deletedAt).toISOString(),
    appId,
    appOwnerOrganizationId: azure.tenant.tenantId,
    appRoleAssignmentRequired: false,
    ...document,
    ...offered(azure, entry),
    servicePrincipalNames: [appId, ...z.array(z.string()).catch([]).parse(application?.['identifierUris'])],
    keyCredentials: [],
    passwordCredentials: azure.directory.passwords(id).map((one) => ({ ...one.document, secretText: null })),
  };
}

export const objectShown = ({ id, document }: DirectoryObject): Item => ({ id, ...document });

const typed = (type: string, item: Item): Item => ({ '@odata.type': `#microsoft.graph.${type}`, ...item });

const plainKinds: readonly ObjectKind[] = ['user', 'group', 'directoryRole'];

/** The directory object of an id, whatever its type, with the type said; undefined if there is none. */
export function anyObject(azure: Azure, id: string): Item | undefined {
  const principal = azure.directory.get('servicePrincipal', id);
  if (principal !== undefined) return typed('servicePrincipal', servicePrincipalShown(azure, principal));
  const application = azure.directory.get('application', id);
  if (application !== undefined) return typed('application', applicationShown(azure, application));
  for (const kind of plainKinds) {
    const found = azure.directoryObjects.get(kind, id);
    if (found !== undefined) return typed(kind, objectShown(found));
  }
  return undefined;
}

export const principalsShown = (azure: Azure, ids: readonly string[]): Item[] =>
  ids.map((id) => anyObject(azure, id)).filter((one) => one !== undefined);

export const displayNameOf = (azure: Azure, id: string): unknown => anyObject(azure, id)?.['displayName'];

import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { type DirectoryObject } from '../store/directoryObjects';
import { demand } from './access';
import { graphBadRequest, graphBody, notFound } from './errors';
import { type Item } from '../http/odataFilter';
import { randomUUID } from '../random';
import { anyObject, objectShown, principalsShown } from './objects';
import { collection, entity } from './odata';
import { referenced } from './owners';

/** Built-in directory roles: template ids as Microsoft publishes them. */
const templates: Readonly<Record<string, string>> = {
  '62e90394-69f5-4237-9190-012177145e10': 'Global Administrator',
  'f2ef992c-3afb-46b9-b7cf-a126ee74c451': 'Global Reader',
  'e8611ab8-c189-46e8-94e1-60213ab1f814': 'Privileged Role Administrator',
  '9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3': 'Application Administrator',
  '158c047a-c907-4556-b7ef-446551a6b5f7': 'Cloud Application Administrator',
  '88d8e3e3-8f55-4a1e-953a-9b9898b8876b': 'Directory Readers',
  '5d6b6bb7-de71-4623-b4af-96380a352509': 'Security Reader',
};

const ROLES = '/v1.0/directoryRoles';
const ONE = `${ROLES}/:id`;
const RBAC = '/v1.0/roleManagement/directory';

/** Directory roles and who has them, in both of Graph's forms. What each lets its members do is in directoryRoleRights.ts. */
export const directoryRoleRoutes = (azure: Azure): readonly Route[] => {
  const graph = { api: 'graph' } as const;
  return [
    { ...graph, method: 'GET', path: '/v1.0/directoryRoleTemplates', handle: (call) => listTemplates(azure, call) },
    { ...graph, method: 'GET', path: ROLES, handle: (call) => listRoles(azure, call) },
    { ...graph, method: 'POST', path: ROLES, handle: (call) => activate(azure, call) },
    { ...graph, method: 'GET', path: ONE, handle: (call) => getRole(azure, call) },
    { ...graph, method: 'GET', path: `${ONE}/members`, handle: (call) => members(azure, call) },
    { ...graph, method: 'POST', path: `${ONE}/members/$ref`, handle: (call) => addMember(azure, call) },
    { ...graph, method: 'DELETE', path: `${ONE}/members/:member/$ref`, handle: (call) => removeMember(azure, call) },
    { ...graph, method: 'GET', path: `${RBAC}/roleDefinitions`, handle: (call) => listDefinitions(azure, call) },
    { ...graph, method: 'GET', path: `${RBAC}/roleAssignments`, handle: (call) => listAssignments(azure, call) },
    { ...graph, method: 'POST', path: `${RBAC}/roleAssignments`, handle: (call) => assign(azure, call) },
    { ...graph, method: 'DELETE', path: `${RBAC}/roleAssignments/:id`, handle: (call) => unassign(azure, call) },
  ];
};

const templateItems = (): Item[] =>
  Object.entries(templates).map(([id, displayName]) => ({ id, displayName, description: displayName }));

function listTemplates(azure: Azure, call: Call): Answer {
  demand(call, 'readRoles');
  return ok(collection(call, azure.origin, 'directoryRoleTemplates', templateItems()));
}

function listDefinitions(azure: Azure, call: Call): Answer {
  demand(call, 'readRoles');
  const items = templateItems().map((one) => ({ ...one, templateId: one['id'], isBuiltIn: true, isEnabled: true }));
  return ok(collection(call, azure.origin, 'roleManagement/directory/roleDefinitions', items));
}

/** Only roles that were activated are listed: by a POST, or by their first member. */
function listRoles(azure: Azure, call: Call): Answer {
  demand(call, 'readRoles');
  return ok(
    collection(call, azure.origin, 'directoryRoles', azure.directoryObjects.list('directoryRole').map(objectShown)),
  );
}

const byTemplate = (azure: Azure, templateId: string): DirectoryObject | undefined =>
  azure.directoryObjects
    .list('directoryRole')
    .find(({ document }) => document['roleTemplateId'] === templateId.toLowerCase());

function activated(azure: Azure, templateId: string): DirectoryObject {
  const known = byTemplate(azure, templateId);
  if (known !== undefined) return known;
  const displayName = templates[templateId.toLowerCase()];
  if (displayName === undefined) throw notFound(templateId);
  const document = {
    deletedDateTime: null,
    description: displayName,
    displayName,
    roleTemplateId: templateId.toLowerCase(),
  };
  return azure.directoryObjects.add('directoryRole', randomUUID(), document, azure.now());
}

function activate(azure: Azure, call: Call): Answer {
  demand(call, 'writeRoles');
  const { roleTemplateId } = graphBody(z.looseObject({ roleTemplateId: z.guid() }), call, 'DirectoryRole');
  if (byTemplate(azure, roleTemplateId) !== undefined)
    throw new AzureError(
      409,
      'Request_MultipleObjectsWithSameKeyValue',
      'A conflicting object with one or more of the specified property values is present in the directory.',
    );
  const role = objectShown(activated(azure, roleTemplateId));
  return { status: 201, body: entity(call, azure.origin, 'directoryRoles', role) };
}

/** By id, or by `roleTemplateId=…`, which the path normaliser makes of `(roleTemplateId='…')`. */
function find(azure: Azure, call: Call): DirectoryObject {
  const id = param(call, 'id');
  const [, templateId] = id.split('=');
  const found =
    templateId === undefined ? azure.directoryObjects.get('directoryRole', id) : byTemplate(azure, templateId);
  if (found === undefined) throw notFound(templateId ?? id);
  return found;
}

function getRole(azure: Azure, call: Call): Answer {
  demand(call, 'readRoles');
  return ok(entity(call, azure.origin, 'directoryRoles', objectShown(find(azure, call))));
}

function members(azure: Azure, call: Call): Answer {
  demand(call, 'readRoles');
  const ids = azure.directoryObjects.linked('member', find(azure, call).id);
  return ok(collection(call, azure.origin, 'directoryObjects', principalsShown(azure, ids)));
}

function addMember(azure: Azure, call: Call): Answer {
  demand(call, 'writeRoles');
  const role = find(azure, call);
  if (!azure.directoryObjects.link('member', role.id, referenced(azure, call)))
    throw graphBadRequest(
      "One or more added object references already exist for the following modified properties: 'members'.",
    );
  return { status: 204 };
}

function removeMember(azure: Azure, call: Call): Answer {
  demand(call, 'writeRoles');
  const member = param(call, 'member');
  if (!azure.directoryObjects.unlink('member', find(azure, call).id, member)) throw notFound(member);
  return { status: 204 };
}

/** The same memberships, as role assignments over the whole tenant. */
const assignmentItems = (azure: Azure): Item[] =>
  azure.directoryObjects.list('directoryRole').flatMap(({ id, document }) =>
    azure.directoryObjects.linked('member', id).map((principalId) => ({
      id: assignmentId(String(document['roleTemplateId']), principalId),
      principalId,
      directoryScopeId: '/',
      roleDefinitionId: document['roleTemplateId'],
    })),
  );

const assignmentId = (templateId: string, principalId: string): string =>
  Buffer.from(`${templateId}${principalId}`.replaceAll('-', '').toLowerCase(), 'hex').toString('base64url');

function listAssignments(azure: Azure, call: Call): Answer {
  demand(call, 'readRoles');
  const expansions = { principal: ({ principalId }: Item) => principalsShown(azure, [String(principalId)]) };
  const items = assignmentItems(azure);
  return ok(collection(call, azure.origin, 'roleManagement/directory/roleAssignments', items, expansions));
}

const asked = z.looseObject({
  principalId: z.guid(),
  roleDefinitionId: z.guid(),
  directoryScopeId: z.literal('/'),
});

function assign(azure: Azure, call: Call): Answer {
  demand(call, 'writeRoles');
  const { principalId, roleDefinitionId, directoryScopeId } = graphBody(asked, call, 'UnifiedRoleAssignment');
  if (anyObject(azure, principalId) === undefined) throw notFound(principalId);
  const role = activated(azure, roleDefinitionId);
  if (!azure.directoryObjects.link('member', role.id, principalId))
    throw graphBadRequest(
      'A conflicting object with one or more of the specified property values is present in the directory.',
    );
  const body = { id: assignmentId(roleDefinitionId, principalId), principalId, directoryScopeId, roleDefinitionId };
  return { status: 201, body: entity(call, azure.origin, 'roleManagement/directory/roleAssignments', body) };
}

function unassign(azure: Azure, call: Call): Answer {
  demand(call, 'writeRoles');
  const found = assignmentItems(azure).find(({ id }) => id === param(call, 'id'));
  const role = byTemplate(azure, String(found?.['roleDefinitionId']));
  if (found === undefined || role === undefined) throw notFound(param(call, 'id'));
  azure.directoryObjects.unlink('member', role.id, String(found['principalId']));
  return { status: 204 };
}

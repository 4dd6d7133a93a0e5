/** Guide, "Create the Service Principal": what a Sentry is, to Azure. Pure. */
import type { DeploymentRequest } from '../request/request';
import { type Given, ownerMark, type Resource, type ResourceOf } from '../resources';
import { armId, type Blueprint, clientSecretOf, secretName, tagsOf, tracked } from './blueprint';
import { nameOf } from './naming';

/** Microsoft Graph's own application, the same in every tenant. */
export const GRAPH_APP_ID = '00000003-0000-0000-c000-000000000000';

/** Where the principal comes from that roles and permissions are given to. */
export const principal = (
  request: DeploymentRequest,
): { readonly key: string; readonly id: (given: Given) => string } => {
  const key = request.identity.kind === 'managedIdentity' ? 'userAssignedIdentity' : 'servicePrincipal';
  return { key, id: (given) => given(key, 'principalId') };
};

/** Guide, "Create the Service Principal": option 1 or option 2, and the Graph permissions that both need. */
export function identity(blueprint: Blueprint, n: number): readonly Resource[] {
  const { request, profile } = blueprint;
  const { key: principalKey, id: principalId } = principal(request);
  const permissions = profile.graphPermissions.map(({ value, id }): ResourceOf<'graphPermission'> => ({
    kind: 'graphPermission',
    key: `graphPermission/${value}`,
    id: value,
    needs: [principalKey],
    wanted: (given) => ({ principalId: principalId(given), permission: value, appRoleId: id }),
  }));
  return [
    ...(request.identity.kind === 'managedIdentity'
      ? [managedIdentity(blueprint, n, request.identity.resourceId)]
      : appRegistration(blueprint, n)),
    ...permissions,
  ];
}

/** One that exists has another kind and the same key: whatever needs an identity needs this one. */
const managedIdentity = (
  blueprint: Blueprint,
  n: number,
  existing: string | undefined,
): ResourceOf<'userAssignedIdentity'> | ResourceOf<'existingIdentity'> =>
  existing === undefined
    ? {
        kind: 'userAssignedIdentity',
        key: 'userAssignedIdentity',
        id: armId(
          blueprint.request,
          'Microsoft.ManagedIdentity/userAssignedIdentities',
          nameOf(blueprint, 'userAssignedIdentity', n),
        ),
        needs: ['resourceGroup'],
        wanted: () => tracked(blueprint.request),
      }
    : { kind: 'existingIdentity', key: 'userAssignedIdentity', id: existing, needs: [], wanted: () => ({}) };

function appRegistration(blueprint: Blueprint, n: number): readonly Resource[] {
  const { request, profile } = blueprint;
  const displayName = nameOf(blueprint, 'application', n);
  const tags = [ownerMark(request.name)];
  const application: ResourceOf<'application'> = {
    kind: 'application',
    key: 'application',
    id: displayName,
    needs: [],
    wanted: () => ({
      uniqueName: `sentry-${request.name}-${n}`,
      displayName,
      signInAudience: 'AzureADMyOrg',
      tags,
      requiredResourceAccess: [
        {
          resourceAppId: GRAPH_APP_ID,
          resourceAccess: profile.graphPermissions.map(({ id }) => ({ id, type: 'Role' as const })),
        },
      ],
    }),
  };
  const servicePrincipal: ResourceOf<'servicePrincipal'> = {
    kind: 'servicePrincipal',
    key: 'servicePrincipal',
    id: displayName,
    needs: ['application'],
    wanted: (given) => ({ appId: given('application', 'appId'), tags }),
  };
  return [application, servicePrincipal, ...clientSecret(blueprint, n)];
}

function clientSecret({ request }: Blueprint, n: number): readonly ResourceOf<'clientSecret'>[] {
  const secret = clientSecretOf(request);
  if (!secret) return [];
  const name = secretName(request.name, n, 'client');
  return [
    {
      kind: 'clientSecret',
      key: 'clientSecret',
      id: name,
      needs: ['application'],
      wanted: (given) => ({
        applicationId: given('application', 'objectId'),
        secretName: name,
        displayName: `${secret.description} (${ownerMark(request.name)})`,
        expiresInDays: secret.expiresInDays,
        tags: tagsOf(request),
      }),
    },
  ];
}

/** Guide, "Create the Service Principal": what a Sentry is, to Azure. Pure. */
import type { DeploymentRequest } from '../request';
import { type Given, ownerMark, type Resource, type ResourceOf } from '../resources';
import { armId, numbered, type Plan, secretName, tagsOf, tracked } from './plan';

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
export function identity(plan: Plan, n: number): readonly Resource[] {
  const { request, profile } = plan;
  const { key: principalKey, id: principalId } = principal(request);
  const permissions = profile.graphPermissions.map(({ value, id }): ResourceOf<'graphPermission'> => ({
    kind: 'graphPermission',
    key: `graphPermission/${value}`,
    id: value,
    needs: [principalKey],
    wanted: (given) => ({ principalId: principalId(given), permission: value, appRoleId: id }),
  }));
  return [
    ...(request.identity.kind === 'managedIdentity' ? [managedIdentity(plan, n)] : appRegistration(plan, n)),
    ...permissions,
  ];
}

const managedIdentity = ({ request, profile }: Plan, n: number): ResourceOf<'userAssignedIdentity'> => ({
  kind: 'userAssignedIdentity',
  key: 'userAssignedIdentity',
  id: armId(
    request,
    'Microsoft.ManagedIdentity/userAssignedIdentities',
    numbered(request.names.userAssignedIdentity ?? profile.names.userAssignedIdentity, n),
  ),
  needs: ['resourceGroup'],
  wanted: () => tracked(request),
});

function appRegistration({ request, profile }: Plan, n: number): readonly Resource[] {
  const { identity } = request;
  if (identity.kind !== 'appRegistration') return [];
  const displayName = numbered(request.names.application ?? profile.names.application, n);
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
  const secret: ResourceOf<'clientSecret'> = {
    kind: 'clientSecret',
    key: 'clientSecret',
    id: secretName(request.name, n, 'client'),
    needs: ['application'],
    wanted: (given) => ({
      applicationId: given('application', 'objectId'),
      secretName: secretName(request.name, n, 'client'),
      displayName: `${identity.secret.description} (${ownerMark(request.name)})`,
      expiresInDays: identity.secret.expiresInDays,
      tags: tagsOf(request),
    }),
  };
  return [application, servicePrincipal, secret];
}

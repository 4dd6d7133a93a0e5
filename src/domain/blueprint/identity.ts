/** Guide, "Create the Service Principal": what a Sentry is, to Azure. Pure. */
import type { FederatedCredential } from '../request/identity';
import type { DeploymentRequest } from '../request/request';
import { type Given, ownerMark, type Resource, type ResourceOf } from '../resources';
import { armId, type Blueprint, clientSecretOf, secretName, tagsOf, tracked } from './blueprint';
import { nameOf } from './naming';

/** Both kinds have this key: a Sentry has at most one. */
const FEDERATED = 'federatedCredential';
/** Keys of what a Sentry can sign in with, beside what Azure itself vouches for. */
export const CREDENTIALS: readonly string[] = ['clientSecret', FEDERATED];

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
      ? [managedIdentity(blueprint, n, request.identity.resourceId), ...identityFederation(blueprint, n)]
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
      web: { redirectUris: [] },
      spa: { redirectUris: [] },
      publicClient: { redirectUris: [] },
      // Graph takes no entry that asks for nothing.
      requiredResourceAccess:
        profile.graphPermissions.length === 0
          ? []
          : [
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
  return [application, servicePrincipal, ...clientSecret(blueprint, n), ...applicationFederation(blueprint, n)];
}

/** How each of our client secrets' descriptions ends, whatever the request calls it: it says whose it is. */
const secretMark = (deployment: string): string => `(${ownerMark(deployment)})`;
export const isClientSecretOf = (deployment: string, description: string | null): boolean =>
  description?.endsWith(secretMark(deployment)) ?? false;

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
        displayName: `${secret.description} ${secretMark(request.name)}`,
        expiresInDays: secret.expiresInDays,
        tags: tagsOf(request),
      }),
    },
  ];
}

/**
 * The name of a federated credential says whose it is: on an identity it is all that can. No other deployment's name
 * makes the same one, because a deployment's name never ends where its Sentry's number begins.
 */
const federationName = (deployment: string, n: number): string => `sentry-${deployment}-${n}`;
export const isFederationOf = (deployment: string, name: string): boolean =>
  name.startsWith(`sentry-${deployment}-`) && /^\d+$/.test(name.slice(`sentry-${deployment}-`.length));

const trustOf = ({ issuer, subject, audience }: FederatedCredential) => ({
  issuer,
  subject,
  audiences: [audience] as [string],
});

function applicationFederation(
  { request }: Blueprint,
  n: number,
): readonly ResourceOf<'applicationFederatedCredential'>[] {
  const { federatedCredential: trust } = request.identity;
  if (!trust) return [];
  const name = federationName(request.name, n);
  return [
    {
      kind: 'applicationFederatedCredential',
      key: FEDERATED,
      id: name,
      needs: ['application'],
      wanted: (given) => ({
        applicationId: given('application', 'objectId'),
        name,
        description: ownerMark(request.name),
        ...trustOf(trust),
      }),
    },
  ];
}

function identityFederation(blueprint: Blueprint, n: number): readonly ResourceOf<'identityFederatedCredential'>[] {
  const { request } = blueprint;
  const { federatedCredential: trust } = request.identity;
  if (request.identity.kind !== 'managedIdentity' || !trust) return [];
  const { id } = managedIdentity(blueprint, n, request.identity.resourceId);
  return [
    {
      kind: 'identityFederatedCredential',
      key: FEDERATED,
      id: `${id}/federatedIdentityCredentials/${federationName(request.name, n)}`,
      needs: ['userAssignedIdentity'],
      wanted: () => trustOf(trust),
    },
  ];
}

/** In a graph that is only asked for what to remove, what it trusts is of no account. */
const ANY_TRUST: FederatedCredential = { issuer: '', subject: '', audience: '' };

/** Credentials that an earlier request made (`known`, by key) and this one does not ask for: they are taken away. */
export function formerCredentials(blueprint: Blueprint, n: number, known: readonly string[]): readonly Resource[] {
  const { request } = blueprint;
  const { federatedCredential, ...chosen } = request.identity;
  const other = federatedCredential ? chosen : { ...chosen, secret: undefined, federatedCredential: ANY_TRUST };
  const former = identity({ ...blueprint, request: { ...request, identity: other } }, n);
  const wanted = new Set(identity(blueprint, n).map(({ key }) => key));
  return former.filter(({ key }) => CREDENTIALS.includes(key) && known.includes(key) && !wanted.has(key));
}

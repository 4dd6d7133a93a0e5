/** What of a deployment a later request may not change, because whom it has granted would be left behind. Pure. */
import type { Fault } from '../faults';
import type { SentryState } from '../states';
import type { DeploymentRequest } from './request';

/** Is there a principal that roles may have been granted to? */
export const hasIdentity = ({ resources }: SentryState): boolean =>
  ['userAssignedIdentity', 'servicePrincipal'].some((key) =>
    ['done', 'later', 'running'].includes(resources[key]?.state ?? ''),
  );

const existing = ({ identity }: DeploymentRequest): string | undefined =>
  identity.kind === 'managedIdentity' ? identity.resourceId?.toLowerCase() : undefined;

/**
 * Another kind of identity is another principal: its predecessor would keep every grant, and an appliance would go on
 * signing in as it. Another profile is another collector. What the same identity signs in with may change.
 */
export function identityFaults(before: DeploymentRequest, after: DeploymentRequest): readonly Fault[] {
  const kept = (pointer: string, was: string | undefined, is: string | undefined): readonly Fault[] =>
    was === is ? [] : [{ pointer, detail: `was ${was ?? 'left out'} when the Sentries’ identities were made` }];
  return [
    ...kept('/profile', before.profile, after.profile),
    ...kept('/identity/kind', before.identity.kind, after.identity.kind),
    ...(before.identity.kind === after.identity.kind
      ? kept('/identity/resourceId', existing(before), existing(after))
      : []),
  ];
}

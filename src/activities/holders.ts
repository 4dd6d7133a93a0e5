/** Who else could sign in as an application or identity that bears our mark, which others can write, too. */
import type { Application } from '../azure/ports';
import { isClientSecretOf, isFederationOf } from '../domain/blueprint/identity';
import type { Refused } from '../domain/outcome';

interface Holders extends Partial<Pick<Application, 'otherOwners' | 'passwordCredentials' | 'keyCredentials'>> {
  readonly federations?: readonly { readonly name: string }[];
}

/** Nothing is given to a principal that others could sign in as: an owner can make a credential at any time. */
export function heldByOthers(
  what: string,
  { otherOwners = [], passwordCredentials = [], keyCredentials = [], federations = [] }: Holders,
  deployment: string,
): Refused | undefined {
  const passwords = passwordCredentials.filter(({ displayName }) => !isClientSecretOf(deployment, displayName));
  const trusts = federations.filter(({ name }) => !isFederationOf(deployment, name));
  const others = [
    ...otherOwners.map((id) => `its owner ${id}`),
    ...passwords.map(({ keyId }) => `its client secret ${keyId}`),
    ...keyCredentials.map(({ keyId }) => `its certificate ${keyId}`),
    ...trusts.map(({ name }) => `its federated credential '${name}'`),
  ];
  return others.length === 0
    ? undefined
    : {
        kind: 'refused',
        code: 'HeldByOthers',
        reason: `Not this deployment alone holds ${what}: there is ${others.join(', ')}`,
        remedy:
          'Whoever has these can sign in as the Sentry. Find out who added them, remove them, and send the same request again.',
      };
}

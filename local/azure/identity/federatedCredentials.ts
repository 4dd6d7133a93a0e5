import { z } from 'zod';
import { type Kind } from '../arm/kind';
import { doneAt, type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { parentOf } from '../http/paths';
import { type Entry } from '../store/directory';
import { userAssignedIdentities } from './userAssignedIdentities';

const TYPE = `${userAssignedIdentities.type}/federatedIdentityCredentials`;
/** At most so many for one identity. */
const MOST = 20;

const trust = z.object({
  issuer: z.string().min(1),
  subject: z.string().min(1),
  audiences: z.array(z.string()).min(1),
});
type Trust = z.infer<typeof trust>;

/**
 * Federated credentials of a user-assigned identity. Written at once, but one after another, and Entra knows them later.
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
 */
export const federatedCredentials: Kind = {
  type: TYPE,
  plain: true,
  schema: z.looseObject({ properties: z.record(z.string(), z.unknown()).default({}) }),
  prepare(azure, { id, name, body }) {
    const properties = demandTrust(name, body.properties);
    const others = azure.resources.list(TYPE, `${parentOf(id)}/`).filter((one) => !same(one.id, id));
    if (others.length >= MOST) throw badRequest('BadRequest', 'Too many Federated Identity Credentials.');
    const taken = others
      .map(({ document }) => trust.parse(document.properties))
      .some(({ issuer, subject }) => issuer === properties.issuer && subject === properties.subject);
    if (taken)
      throw new AzureError(409, 'Conflict', 'Issuer and subject combination already exists for this Managed Identity.');
    const effectiveAt = doneAt(azure, 'directoryReplication');
    return { document: { properties }, hidden: { effectiveAt }, readyAt: doneAt(azure, 'federatedCredentialWrite') };
  },
  busy: (id) =>
    new AzureError(
      409,
      'ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity',
      `Too many Federated Identity Credentials are written concurrently for the managed identity '${parentOf(id)}'. Concurrent Federated Identity Credentials writes under the same managed identity are not supported.`,
    ),
};

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function demandTrust(name: string, properties: Record<string, unknown>): Trust {
  if (!/^[a-z0-9][\w-]{2,119}$/i.test(name))
    throw badRequest('BadRequest', `Federated Identity Credential name '${name}' is invalid.`);
  const parsed = trust.safeParse(properties);
  if (!parsed.success)
    throw badRequest(
      'BadRequest',
      "The request format was unexpected. Federated Identity Credential must specify 'issuer', 'subject' and 'audience'.",
    );
  if (parsed.data.audiences.length > 1)
    throw badRequest('BadRequest', 'Federated identity credentials must have exactly one audience.');
  return parsed.data;
}

const identityId = z.tuple([z.string(), z.string()]);

/** What counts now for the managed identity of a service principal. */
export function identityCredentials(azure: Azure, { document }: Entry): Trust[] {
  const names = identityId.safeParse(document['alternativeNames']);
  if (!names.success) return [];
  return azure.resources
    .list(TYPE, `${names.data[1]}/`)
    .filter(({ hidden }) => Number(hidden['effectiveAt']) <= azure.now())
    .map((one) => trust.parse(one.document.properties));
}

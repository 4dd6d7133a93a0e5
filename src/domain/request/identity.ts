/** The field `identity`: what a Sentry is, to Azure. Pure. */
import { z } from 'zod';
import { armId } from './parts';

/** Whose tokens are taken in place of a secret. Entra compares all three to the letter. */
const federatedCredential = z.strictObject({
  issuer: z.url({ protocol: /^https$/, error: 'is not an https URL' }).max(600),
  subject: z.string().min(1).max(600),
  /** Entra takes exactly one (azure-docs, "federated identity credentials: important considerations"). */
  audience: z.string().min(1).max(600).default('api://AzureADTokenExchange'),
});

export type FederatedCredential = z.output<typeof federatedCredential>;

const secret = z.strictObject({
  description: z.string().min(1).max(120).default('Sentry collector'),
  /** Entra's portal offers at most 24 months. */
  expiresInDays: z.int().min(1).max(730).default(180),
});

export const identity = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('managedIdentity'),
    /** An existing one, which is used as it is and never removed. */
    resourceId: armId('Microsoft.ManagedIdentity', ['userAssignedIdentities'], 'a user-assigned identity').optional(),
    federatedCredential: federatedCredential.optional(),
  }),
  z.strictObject({
    kind: z.literal('appRegistration'),
    secret: secret.optional(),
    federatedCredential: federatedCredential.optional(),
  }),
]);

/** What a secret is where the request says nothing of it. */
export const DEFAULT_SECRET = secret.parse({});

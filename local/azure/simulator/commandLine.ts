import { z } from 'zod';
import { type Azure } from '../azure';
import { newPassword, twoYearsAfter } from '../graph/passwords';
import { type Answer, type Call, ok, parseBody, type Route } from '../http/call';
import { randomUUID } from '../random';

/** What a person's own tools need before they can ask anything: a secret to sign in with, and names for images. */
export const commandLineRoutes = (azure: Azure): readonly Route[] => [
  { method: 'POST', path: '/_simulator/secret', api: 'open', handle: (call) => secret(azure, call) },
  { method: 'GET', path: '/_simulator/vmImageAliases', api: 'open', handle: () => ok(aliases(azure)) },
];

/**
 * A new secret for one of the tenant's principals, which then has an application of the same name, so that it can
 * sign in as `az login --service-principal` and ClientSecretCredential do.
 */
function secret(azure: Azure, call: Call): Answer {
  const { principal: name } = parseBody(z.strictObject({ principal: z.string() }), call);
  const known = azure.tenant.principals.find((one) => one.name === name);
  if (known === undefined) {
    const message = `The tenant has no principal '${name}'. It has: ${azure.tenant.principals.map((one) => one.name).join(', ')}.`;
    return { status: 404, body: { error: { code: 'NotFound', message } } };
  }
  const start = azure.now();
  const made = azure.db.transaction(() =>
    newPassword(azure, applicationOf(azure, name, known.clientId), {
      displayName: 'simulator',
      start,
      end: twoYearsAfter(start),
    }),
  );
  const { tenantId } = azure.tenant;
  return {
    status: 201,
    body: { tenantId, clientId: known.clientId, clientSecret: made.secretText, keyId: made.keyId },
  };
}

/** The object id of the principal's application, made if there is none. */
function applicationOf(azure: Azure, displayName: string, appId: string): string {
  const existing = azure.directory.atSource('application', appId);
  if (existing !== undefined) return existing.id;
  const now = azure.now();
  const entry = {
    id: randomUUID(),
    kind: 'application',
    appId,
    document: { displayName, signInAudience: 'AzureADMyOrg', identifierUris: [], requiredResourceAccess: [] },
    owner: null,
    createdAt: now,
    visibleAt: now,
    deletedAt: null,
  } as const;
  azure.directory.add(entry);
  return entry.id;
}

/** Short names that `az vm create --image` knows, as far as the tenant has such images. */
const known: Readonly<Record<string, { readonly publisher: string; readonly offer: string; readonly sku: string }>> = {
  Ubuntu2204: { publisher: 'Canonical', offer: '0001-com-ubuntu-server-jammy', sku: '22_04-lts-gen2' },
  Ubuntu2404: { publisher: 'Canonical', offer: 'ubuntu-24_04-lts', sku: 'server' },
  Debian12: { publisher: 'Debian', offer: 'debian-12', sku: '12-gen2' },
};

function aliases({ tenant }: Azure): Record<string, unknown> {
  const has = ({ publisher, offer, sku }: (typeof known)[string]): boolean =>
    tenant.images.some((image) => image.publisher === publisher && image.offer === offer && image.sku === sku);
  const linux = Object.entries(known).flatMap(([name, image]) =>
    has(image) ? [[name, { ...image, version: 'latest', architecture: 'x64' }]] : [],
  );
  return { outputs: { aliases: { type: 'object', value: { Linux: Object.fromEntries(linux) as unknown } } } };
}

import { z } from 'zod';
import { type Azure } from '../azure';
import { hashSecret } from '../entra/principals';
import { type Answer, type Call, ok, type Route } from '../http/call';
import { randomBytes, randomUUID } from '../random';
import { type Entry } from '../store/directory';
import { demandWrite } from './access';
import { demandPassword } from './appPolicies';
import { findApplication } from './applications';
import { graphBadRequest, graphBody } from './errors';
import { findServicePrincipal } from './servicePrincipals';

/** Secrets of applications and of service principals. */
export const passwordRoutes = (azure: Azure): readonly Route[] =>
  (
    [
      ['applications', findApplication],
      ['servicePrincipals', findServicePrincipal],
    ] as const
  ).flatMap(([type, find]): Route[] => [
    {
      method: 'POST',
      path: `/v1.0/${type}/:id/addPassword`,
      api: 'graph',
      handle: (call) => addPassword(azure, call, find(azure, call)),
    },
    {
      method: 'POST',
      path: `/v1.0/${type}/:id/removePassword`,
      api: 'graph',
      handle: (call) => removePassword(azure, call, find(azure, call)),
    },
  ]);

const moment = z.iso.datetime({ offset: true }).nullish();
const passwordBody = z.looseObject({
  passwordCredential: z
    .looseObject({ displayName: z.string().nullish(), startDateTime: moment, endDateTime: moment })
    .nullish(),
});

/** Answers 200 with the only copy of the secret there will be (azure-facts §3); kept is its hash. */
function addPassword(azure: Azure, call: Call, found: Entry): Answer {
  demandWrite(azure, call, found);
  const asked = graphBody(passwordBody, call, 'PasswordCredential').passwordCredential ?? {};
  const start = typeof asked.startDateTime === 'string' ? Date.parse(asked.startDateTime) : azure.now();
  const end = typeof asked.endDateTime === 'string' ? Date.parse(asked.endDateTime) : twoYearsAfter(start);
  if (end <= azure.now() || end <= start)
    throw graphBadRequest('Credential lifetime exceeds the max value allowed or its end date is in the past.');
  demandPassword(azure, found, start, end);
  return ok({
    '@odata.context': `${azure.origin}/v1.0/$metadata#microsoft.graph.passwordCredential`,
    ...newPassword(azure, found.id, { displayName: asked.displayName ?? null, start, end }),
  });
}

/** Keeps a new secret's hash; what is returned is the only place where its text stands. */
export function newPassword(
  azure: Azure,
  applicationId: string,
  { displayName, start, end }: { readonly displayName: string | null; readonly start: number; readonly end: number },
): { readonly secretText: string; readonly keyId: string } {
  const secretText = `${randomBytes(2).toString('hex').slice(0, 3)}8Q~${randomBytes(26).toString('base64url').slice(0, 34)}`;
  const document = {
    customKeyIdentifier: null,
    displayName,
    endDateTime: new Date(end).toISOString(),
    hint: secretText.slice(0, 3),
    keyId: randomUUID(),
    startDateTime: new Date(start).toISOString(),
  };
  azure.directory.addPassword({
    keyId: document.keyId,
    applicationId,
    hash: hashSecret(secretText),
    document,
    endsAt: end,
  });
  return { ...document, secretText };
}

export function twoYearsAfter(start: number): number {
  const date = new Date(start);
  return date.setUTCFullYear(date.getUTCFullYear() + 2);
}

function removePassword(azure: Azure, call: Call, found: Entry): Answer {
  demandWrite(azure, call, found);
  const { keyId } = graphBody(z.looseObject({ keyId: z.guid() }), call, 'PasswordCredential');
  if (azure.directory.removePassword(found.id, keyId)) return { status: 204 };
  throw graphBadRequest(`No password credential found with keyId '${keyId}'.`);
}

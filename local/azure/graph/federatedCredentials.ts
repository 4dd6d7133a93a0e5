import { z } from 'zod';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { notSimulated } from '../http/notSimulated';
import { randomUUID } from '../random';
import { type DirectoryObject } from '../store/directoryObjects';
import { demand, demandWrite } from './access';
import { findApplication } from './applications';
import { graphBadRequest, graphBody, notFound } from './errors';
import { collection, entity } from './odata';
import { objectShown } from './objects';

const ALL = '/v1.0/applications/:id/federatedIdentityCredentials';
const ONE = `${ALL}/:credential`;
const MOST = 20;
const LONGEST = 600;

/** Federated credentials of applications: whom else the application trusts to sign in for it. */
export const federatedCredentialRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: ALL, api: 'graph', handle: (call) => list(azure, call) },
  { method: 'POST', path: ALL, api: 'graph', handle: (call) => create(azure, call) },
  { method: 'GET', path: ONE, api: 'graph', handle: (call) => get(azure, call) },
  { method: 'PATCH', path: ONE, api: 'graph', handle: (call) => change(azure, call) },
  { method: 'DELETE', path: ONE, api: 'graph', handle: (call) => remove(azure, call) },
];

const text = z.string().min(1).max(LONGEST);
const trust = z.looseObject({ issuer: text, subject: text, audiences: z.array(text) });
const shape = trust.extend({
  name: z.string().regex(/^[a-z0-9][\w-]{2,119}$/i),
  description: z.string().max(LONGEST).nullish(),
});
const changes = shape.partial();

/** The application that a credential belongs to, and from when Entra knows it: in its document, and not shown. */
const own = z.looseObject({ applicationId: z.string(), effectiveAt: z.number() });

const of = (azure: Azure, applicationId: string): DirectoryObject[] =>
  azure.directoryObjects
    .list('federatedIdentityCredential')
    .filter(({ document }) => document['applicationId'] === applicationId);

/** What counts now for an application. */
export const applicationCredentials = (azure: Azure, applicationId: string): z.infer<typeof trust>[] =>
  of(azure, applicationId)
    .filter(({ document }) => own.parse(document).effectiveAt <= azure.now())
    .map(({ document }) => trust.parse(document));

function shown(one: DirectoryObject): Record<string, unknown> {
  const { applicationId: _, effectiveAt: __, ...item } = objectShown(one);
  return item;
}

function list(azure: Azure, call: Call): Answer {
  demand(call, 'read');
  const items = of(azure, findApplication(azure, call).id).map(shown);
  return ok(collection(call, azure.origin, 'federatedIdentityCredentials', items));
}

function create(azure: Azure, call: Call): Answer {
  const application = findApplication(azure, call);
  demandWrite(azure, call, application);
  demandPlain(call);
  const asked = graphBody(shape, call, 'FederatedIdentityCredential');
  const others = of(azure, application.id);
  if (others.length >= MOST)
    throw graphBadRequest(`The maximum number of federated identity credentials, ${MOST}, is reached.`);
  if (others.some(({ document }) => document['name'] === asked.name))
    throw new AzureError(
      409,
      'Request_MultipleObjectsWithSameKeyValue',
      `FederatedIdentityCredential with name ${asked.name} already exists.`,
    );
  demandTrust(asked, others);
  const mine = { applicationId: application.id, effectiveAt: doneAt(azure, 'directoryReplication') };
  const document = { description: null, ...asked, ...mine };
  const made = azure.directoryObjects.add('federatedIdentityCredential', randomUUID(), document, azure.now());
  return { status: 201, body: entity(call, azure.origin, 'federatedIdentityCredentials', shown(made)) };
}

/** Flexible credentials match claims by an expression, which nothing here could carry out. */
function demandPlain({ body }: Call): void {
  if (z.looseObject({ claimsMatchingExpression: z.looseObject({}) }).safeParse(body).success)
    throw notSimulated('A claimsMatchingExpression', 'credentials with a subject.');
}

const invalid = (property: string, value: string, why: string): AzureError =>
  new AzureError(
    400,
    'InvalidFederatedIdentityCredentialValue',
    `${why} paramName: FederatedIdentityCredential.${property}, paramValue: ${value}, objectType: Microsoft.Online.DirectoryServices.Application`,
  );

function demandTrust({ issuer, subject, audiences }: z.infer<typeof trust>, others: readonly DirectoryObject[]): void {
  if (audiences.length !== 1)
    throw invalid('Audiences', audiences.join(','), 'Federated identity credentials must have exactly one audience.');
  if (!/^https:\/\/\S+$/i.test(issuer)) throw invalid('Issuer', issuer, 'The issuer must be an https URL.');
  if (others.some(({ document }) => document['issuer'] === issuer && document['subject'] === subject))
    throw invalid(
      'Subject',
      subject,
      `The combination of issuer and subject must be unique for the application. Issuer ${issuer} and Subject: ${subject} already exist.`,
    );
}

function find(azure: Azure, call: Call): DirectoryObject {
  const asked = param(call, 'credential');
  const found = of(azure, findApplication(azure, call).id).find(
    ({ id, document }) => id === asked || document['name'] === asked,
  );
  if (found === undefined) throw notFound(asked);
  return found;
}

function get(azure: Azure, call: Call): Answer {
  demand(call, 'read');
  return ok(entity(call, azure.origin, 'federatedIdentityCredentials', shown(find(azure, call))));
}

function change(azure: Azure, call: Call): Answer {
  const application = findApplication(azure, call);
  demandWrite(azure, call, application);
  demandPlain(call);
  const { id, document } = find(azure, call);
  const asked = graphBody(changes, call, 'FederatedIdentityCredential');
  if (asked.name !== undefined && asked.name !== document['name'])
    throw graphBadRequest("Property 'name' is read-only and cannot be set.");
  const changed = { ...document, ...asked, effectiveAt: doneAt(azure, 'directoryReplication') };
  const others = of(azure, application.id).filter((one) => one.id !== id);
  demandTrust(trust.parse(changed), others);
  azure.directoryObjects.setDocument(id, changed);
  return { status: 204 };
}

function remove(azure: Azure, call: Call): Answer {
  demandWrite(azure, call, findApplication(azure, call));
  azure.directoryObjects.remove(find(azure, call).id);
  return { status: 204 };
}

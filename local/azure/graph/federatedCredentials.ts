import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
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

/** Federated credentials of applications. They are kept and shown; nobody signs in with one. */
export const federatedCredentialRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: ALL, api: 'graph', handle: (call) => list(azure, call) },
  { method: 'POST', path: ALL, api: 'graph', handle: (call) => create(azure, call) },
  { method: 'GET', path: ONE, api: 'graph', handle: (call) => get(azure, call) },
  { method: 'DELETE', path: ONE, api: 'graph', handle: (call) => remove(azure, call) },
];

const shape = z.looseObject({
  name: z.string().min(3).max(120),
  issuer: z.string().min(1),
  subject: z.string().min(1),
  audiences: z.array(z.string()).min(1),
  description: z.string().nullish(),
});

/** The application that a credential belongs to stands in its document, and is not shown. */
const APPLICATION = 'applicationId';

const of = (azure: Azure, applicationId: string): DirectoryObject[] =>
  azure.directoryObjects
    .list('federatedIdentityCredential')
    .filter(({ document }) => document[APPLICATION] === applicationId);

function shown(one: DirectoryObject): Record<string, unknown> {
  const { [APPLICATION]: _, ...item } = objectShown(one);
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
  const asked = graphBody(shape, call, 'FederatedIdentityCredential');
  const others = of(azure, application.id);
  if (others.length >= MOST)
    throw graphBadRequest(`The maximum number of federated identity credentials, ${MOST}, is reached.`);
  const { name, issuer, subject } = asked;
  const same = others.some(
    ({ document }) => document['name'] === name || (document['issuer'] === issuer && document['subject'] === subject),
  );
  if (same)
    throw new AzureError(
      409,
      'Request_MultipleObjectsWithSameKeyValue',
      `FederatedIdentityCredential with name ${name} already exists.`,
    );
  const document = { description: null, ...asked, [APPLICATION]: application.id };
  const made = azure.directoryObjects.add('federatedIdentityCredential', randomUUID(), document, azure.now());
  return { status: 201, body: entity(call, azure.origin, 'federatedIdentityCredentials', shown(made)) };
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

function remove(azure: Azure, call: Call): Answer {
  demandWrite(azure, call, findApplication(azure, call));
  azure.directoryObjects.remove(find(azure, call).id);
  return { status: 204 };
}

/** Microsoft Graph: applications, their principals and secrets, and the permissions given to principals. */
import { AuthenticationHandler, Client, type Context, type Middleware } from '@microsoft/microsoft-graph-client';
import { z } from 'zod';
import { ANSWER_MS, type Connection } from '../client';
import { orUndefined } from '../errors';
import type { Directory } from '../ports';
import { appIdentity } from './appIdentity';

const texts = z.array(z.string()).default([]);
const named = z.looseObject({ id: z.string(), appId: z.string() });
const held = named.extend({
  tags: texts,
  passwordCredentials: z.array(z.looseObject({ keyId: z.string(), displayName: z.string().nullable() })).default([]),
  keyCredentials: z.array(z.looseObject({ keyId: z.string() })).default([]),
  owners: z.array(z.looseObject({ id: z.string() })).default([]),
});
const application = held.extend({ displayName: z.string() });
const servicePrincipal = held.extend({ accountEnabled: z.boolean().default(true) });
/** Graph, "Customize responses": of a relation 20 objects at the most are expanded, and one is enough here. */
const OWNERS = '$expand=owners($select=id)';
const federation = z.looseObject({
  name: z.string(),
  description: z.string().nullish().default(null),
  issuer: z.string(),
  subject: z.string(),
  audiences: z.array(z.string()),
});
const appRoleAssignment = z.looseObject({ id: z.string(), resourceId: z.string(), appRoleId: z.string() });
const password = z.looseObject({ keyId: z.string(), secretText: z.string() });
const list = <T extends z.ZodType>(item: T) =>
  z.looseObject({ value: z.array(item), '@odata.nextLink': z.string().optional() });

const uniquely = (uniqueName: string): string => `/applications(uniqueName=${quoted(uniqueName)})`;
const federations = (applicationId: string): string => `/applications/${applicationId}/federatedIdentityCredentials`;

/** OData doubles a quote inside a text. */
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** One call of fetch and nothing else: Graph's own retry handler would hide Retry-After from the orchestrator. */
class Fetch implements Middleware {
  constructor(private readonly send: typeof fetch) {}
  async execute(context: Context): Promise<void> {
    // The library's own type names the browser's `RequestInfo`, which Node does not have.
    const request = context.request as Parameters<typeof fetch>[0];
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error('Microsoft Graph gave no answer in time')), ANSWER_MS);
    try {
      context.response = await this.send(request, { ...context.options, signal: limit.signal });
    } finally {
      clearTimeout(timer);
    }
  }
}

export function graphClient({ config, credential, transport }: Connection): Client {
  const { graphEndpoint } = config.cloud;
  const authentication = new AuthenticationHandler({
    getAccessToken: async () => (await credential.getToken(`${graphEndpoint}/.default`))?.token ?? '',
  });
  // Looked up at each call: a preload or a test may replace the global one.
  authentication.setNext(new Fetch((...request) => (transport.fetch ?? fetch)(...request)));
  return Client.initWithMiddleware({
    middleware: authentication,
    baseUrl: graphEndpoint,
    // Without its name here a host other than Graph's own is sent no token, in silence.
    customHosts: new Set([new URL(graphEndpoint).hostname]),
  });
}

export function directory(connection: Connection): Directory {
  const client = graphClient(connection);
  const get = async (path: string): Promise<unknown> => client.api(path).get();
  const post = async (path: string, body: object): Promise<unknown> => client.api(path).post(body);
  const all = async <T extends z.ZodType>(path: string, item: T): Promise<z.output<T>[]> => {
    const found: z.output<T>[] = [];
    for (let next: string | undefined = path; next !== undefined;) {
      const page: { value: z.output<T>[]; '@odata.nextLink'?: string | undefined } = list(item).parse(await get(next));
      found.push(...page.value);
      next = page['@odata.nextLink'];
    }
    return found;
  };
  const withOthers = async <T extends z.output<typeof held>>(found: T): Promise<T & { otherOwners: string[] }> => {
    const { objectId } = await appIdentity(connection);
    return { ...found, otherOwners: found.owners.map(({ id }) => id).filter((id) => id !== objectId) };
  };
  return {
    getApplication: async (by) => {
      const path = 'id' in by ? `/applications/${by.id}` : uniquely(by.uniqueName);
      const body = await orUndefined(get(`${path}?${OWNERS}`));
      return body === undefined ? undefined : withOthers(application.parse(body));
    },
    // Graph, "Upsert application": 201 with the new one, 204 without a body where there was one.
    createApplication: async ({ uniqueName, ...body }) => {
      const path = uniquely(uniqueName);
      const made: unknown = await client.api(path).header('Prefer', 'create-if-missing').patch(body);
      return named.parse(made ?? (await get(path)));
    },
    updateApplication: async (objectId, { uniqueName: _immutable, ...body }) => {
      await client.api(`/applications/${objectId}`).patch(body);
    },
    deleteApplication: async (objectId) => {
      await client.api(`/applications/${objectId}`).delete();
    },
    findServicePrincipal: async (appId) => {
      const [found] = await all(`/servicePrincipals?$filter=appId eq ${quoted(appId)}&${OWNERS}`, servicePrincipal);
      return found && withOthers(found);
    },
    createServicePrincipal: async (body) => named.parse(await post('/servicePrincipals', body)),
    deleteServicePrincipal: async (objectId) => {
      await client.api(`/servicePrincipals/${objectId}`).delete();
    },
    addPassword: async (applicationId, displayName, endDateTime) =>
      password.parse(
        await post(`/applications/${applicationId}/addPassword`, { passwordCredential: { displayName, endDateTime } }),
      ),
    removePassword: async (applicationId, keyId) => {
      await post(`/applications/${applicationId}/removePassword`, { keyId });
    },
    federatedCredentials: (applicationId) => all(federations(applicationId), federation),
    getFederatedCredential: async (applicationId, name) => {
      const body = await orUndefined(get(`${federations(applicationId)}/${name}`));
      return body === undefined ? undefined : federation.parse(body);
    },
    createFederatedCredential: async (applicationId, body) => {
      await post(federations(applicationId), body);
    },
    updateFederatedCredential: async (applicationId, { name, ...body }) => {
      await client.api(`${federations(applicationId)}/${name}`).patch(body);
    },
    deleteFederatedCredential: async (applicationId, name) => {
      await client.api(`${federations(applicationId)}/${name}`).delete();
    },
    // A principal that is gone, or that Graph does not show yet, has none: granting one tells the two apart.
    appRoleAssignments: async (principalId) =>
      (await orUndefined(all(`/servicePrincipals/${principalId}/appRoleAssignments`, appRoleAssignment))) ?? [],
    // Graph's documentation recommends the resource's side of the relation for granting.
    assignAppRole: async (principalId, resourceId, appRoleId) => {
      await post(`/servicePrincipals/${resourceId}/appRoleAssignedTo`, { principalId, resourceId, appRoleId });
    },
    removeAppRoleAssignment: async (principalId, assignmentId) => {
      await client.api(`/servicePrincipals/${principalId}/appRoleAssignments/${assignmentId}`).delete();
    },
  };
}

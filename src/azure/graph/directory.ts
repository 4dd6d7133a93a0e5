/** Microsoft Graph: applications, their principals and secrets, and the permissions given to principals. */
import { AuthenticationHandler, Client, type Context, type Middleware } from '@microsoft/microsoft-graph-client';
import { z } from 'zod';
import { ANSWER_MS, type Connection } from '../client';
import { orUndefined } from '../errors';
import type { Directory } from '../ports';

const texts = z.array(z.string()).default([]);
const application = z.looseObject({
  id: z.string(),
  appId: z.string(),
  displayName: z.string(),
  tags: texts,
  passwordCredentials: z.array(z.looseObject({ keyId: z.string(), displayName: z.string().nullable() })).default([]),
});
const servicePrincipal = z.looseObject({ id: z.string(), appId: z.string(), tags: texts });
const appRoleAssignment = z.looseObject({ id: z.string(), resourceId: z.string(), appRoleId: z.string() });
const password = z.looseObject({ keyId: z.string(), secretText: z.string() });
const list = <T extends z.ZodType>(item: T) =>
  z.looseObject({ value: z.array(item), '@odata.nextLink': z.string().optional() });

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
  return {
    findApplications: (displayName) => all(`/applications?$filter=displayName eq ${quoted(displayName)}`, application),
    getApplication: async (objectId) => {
      const body = await orUndefined(get(`/applications/${objectId}`));
      return body === undefined ? undefined : application.parse(body);
    },
    // Graph, "Upsert application": 201 with the new one, 204 without a body where there was one.
    createApplication: async ({ uniqueName, ...body }) => {
      const path = `/applications(uniqueName=${quoted(uniqueName)})`;
      const made: unknown = await client.api(path).header('Prefer', 'create-if-missing').patch(body);
      return application.parse(made ?? (await get(path)));
    },
    updateApplication: async (objectId, { uniqueName: _immutable, ...body }) => {
      await client.api(`/applications/${objectId}`).patch(body);
    },
    deleteApplication: async (objectId) => {
      await client.api(`/applications/${objectId}`).delete();
    },
    findServicePrincipal: async (appId) => {
      const [found] = await all(`/servicePrincipals?$filter=appId eq ${quoted(appId)}`, servicePrincipal);
      return found;
    },
    createServicePrincipal: async (body) => servicePrincipal.parse(await post('/servicePrincipals', body)),
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

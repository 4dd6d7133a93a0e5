import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { removeResource } from './arm/resourceRoutes';
import { type Azure } from './azure';
import { certificatesIn, type Certificates } from './certificates';
import { compose } from './compose';
import { Dispatcher } from './http/dispatch';
import { listen } from './http/server';
import { Throttle } from './http/throttle';
import { keysIn, type Keys } from './keys';
import { kinds, routes } from './products';
import { seed } from './seed';
import { Database } from './store/database';
import { readTenant, type Tenant, type TenantInput } from './tenant';

export interface AzureOptions {
  /** The state folder: certificates, keys, database. Made if need be. */
  readonly state: string;
  /** 0 takes any free one. */
  readonly port?: number;
  /** A file like samples/tenant.json, or what such a file holds. */
  readonly tenant: string | TenantInput;
  /** How many watched subscriptions, instead of the tenant's number. */
  readonly subscriptions?: number;
  /** Epoch milliseconds; read at each call. */
  readonly now?: () => number;
}

export interface RunningAzure {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  /** The environment variables with which an app uses this Azure; also written to `<state>/environment.json`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Answers what it has, and stops. */
  close(): Promise<void>;
}

/** Starts the simulated Azure. It serves when the promise is kept. */
export async function startAzure(options: AzureOptions): Promise<RunningAzure> {
  const { now = () => Date.now() } = options;
  const state = resolve(options.state);
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const tenant = withCount(readTenant(options.tenant), options.subscriptions);
  const certificates = await certificatesIn(state);
  const keys = keysIn(state);
  const db = new Database(join(state, 'azure.sqlite'));
  let url = '';
  const server = await listen(options.port ?? 8443, certificates.tls, (origin) => {
    url = origin;
    const { azure, inner, advance } = compose({ db, tenant, keys, origin, now });
    seed(azure);
    const all = routes(azure, (resource, at) => removeAny(azure, resource, at));
    const dispatcher = new Dispatcher(azure, new Throttle(tenant.limits, now), all, advance);
    inner.use(dispatcher);
    return dispatcher;
  });
  const environment = environmentOf(url, tenant, keys, certificates);
  writeFileSync(join(state, 'environment.json'), `${JSON.stringify(environment, null, 2)}\n`, { mode: 0o600 });
  return {
    url,
    environment,
    close: async () => {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 500).unref();
      await closed;
      db.close();
    },
  };
}

const withCount = (tenant: Tenant, count: number | undefined): Tenant =>
  count === undefined ? tenant : { ...tenant, watchedSubscriptions: { ...tenant.watchedSubscriptions, count } };

function removeAny(azure: Azure, resource: Parameters<typeof removeResource>[2], goneAt: number): void {
  const kind = kinds.find(({ type }) => type.toLowerCase() === resource.type.toLowerCase());
  if (kind === undefined) azure.resources.remove(resource.id, goneAt);
  else removeResource(azure, kind, resource, goneAt);
}

const environmentOf = (
  url: string,
  { tenantId }: Tenant,
  keys: Keys,
  certificates: Certificates,
): Record<string, string> => ({
  CLOUD: 'custom',
  AZURE_TENANT_ID: tenantId,
  ARM_ENDPOINT: url,
  AUTHORITY_HOST: url,
  GRAPH_ENDPOINT: url,
  KEY_VAULT_URI: url,
  IDENTITY_ENDPOINT: `${url}/msi/token`,
  IDENTITY_HEADER: keys.identityHeader,
  NODE_EXTRA_CA_CERTS: certificates.authorityFile,
  AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
});

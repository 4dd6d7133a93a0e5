import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { certificatesIn } from './certificates';
import { openEngine } from './engine';
import { environmentOf } from './environment';
import { type BoundServer, bind } from './http/server';
import { keysIn } from './keys';
import { lockState } from './stateLock';
import { Database } from './store/database';
import { readTenant, type Tenant, type TenantInput, withCount } from './tenant';

export interface AzureOptions {
  /** The state folder: certificates, keys, database. Made if need be. */
  readonly state: string;
  /** 0 takes any free one. */
  readonly port?: number;
  /** A file like samples/tenant.json, or what such a file holds. */
  readonly tenant: string | TenantInput;
  /** How many watched subscriptions, instead of the tenant's number. */
  readonly subscriptions?: number | undefined;
  /** Epoch milliseconds; read at each call. */
  readonly now?: () => number;
  /** With a seed, ids, secrets and the luck of faults are the same in every run that asks the same in the same order. */
  readonly seed?: string | undefined;
  /** Chaos: a mix of faults from this seed. */
  readonly chaos?: string | undefined;
}

export interface RunningAzure {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  /** The environment variables with which an app uses this Azure; also written to `<state>/environment.json`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Answers what it has, and stops. */
  close(): Promise<void>;
}

const GRACE_MS = 500;

/**
 * Starts the simulated Azure. It serves when the promise is kept.
 * @throws UserError for what the user can mend; then nothing was written
 */
export async function startAzure(options: AzureOptions): Promise<RunningAzure> {
  const tenant = withCount(readTenant(options.tenant), options.subscriptions);
  const state = resolve(options.state);
  const file = join(state, 'azure.sqlite');
  if (existsSync(file)) new Database(file, 'check').close();
  const bound = await bind(options.port ?? 8443);
  try {
    return await serveOn(bound, state, tenant, options);
  } catch (error) {
    bound.server.close();
    throw error;
  }
}

async function serveOn(
  bound: BoundServer,
  state: string,
  tenant: Tenant,
  { now = () => Date.now(), seed, chaos }: AzureOptions,
): Promise<RunningAzure> {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const unlock = lockState(state);
  try {
    const certificates = await certificatesIn(state);
    const keys = keysIn(state);
    const db = new Database(join(state, 'azure.sqlite'));
    const engine = openEngine({ db, tenant, keys, origin: bound.origin, now, seed, chaos });
    bound.use(certificates.tls, engine.dispatcher);
    const environment = {
      ...environmentOf(bound.origin, tenant, keys),
      NODE_EXTRA_CA_CERTS: certificates.authorityFile,
    };
    writeFileSync(join(state, 'environment.json'), `${JSON.stringify(environment, null, 2)}\n`, { mode: 0o600 });
    return {
      url: bound.origin,
      environment,
      close: async () => {
        await closed(bound);
        engine.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function closed({ server }: BoundServer): Promise<void> {
  const ended = new Promise<void>((done) => server.close(() => done()));
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), GRACE_MS).unref();
  await ended;
}

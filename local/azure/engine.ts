import { removeResource } from './arm/resourceRoutes';
import { type Azure } from './azure';
import { compose } from './compose';
import { Dispatcher } from './http/dispatch';
import { Throttle } from './http/throttle/throttle';
import { type Keys } from './keys';
import { kinds, routes } from './products';
import { randomly, Seeded } from './random';
import { seed as seedTenant } from './seed';
import { type Database } from './store/database';
import { nextNumber } from './store/settings';
import { type Tenant } from './tenant';

interface EngineOptions {
  readonly db: Database;
  readonly tenant: Tenant;
  readonly keys: Keys;
  readonly origin: string;
  readonly now: () => number;
  /** With a seed, ids, secrets and the luck of faults are the same in every run; without, ids come from the system. */
  readonly seed?: string | undefined;
  readonly chaos?: string | undefined;
}

export interface Engine {
  readonly azure: Azure;
  readonly dispatcher: Dispatcher;
  /** Writes what waits to be written, and closes the database. */
  close(): void;
}

/** The whole simulated Azure, with no way in yet: every way in asks the same dispatcher. */
export function openEngine(options: EngineOptions): Engine {
  const { db, tenant, seed } = options;
  const { azure, inner, advance } = compose({ ...options, seed: seed ?? '0' });
  // Another start goes on with other ids: the first ones are taken.
  const seeded = seed === undefined ? undefined : new Seeded(`${seed} ${nextNumber(db, 'starts')}`);
  randomly(seeded, () => seedTenant(azure));
  const throttle = new Throttle(tenant, azure.now);
  const dispatcher = new Dispatcher(
    azure,
    throttle,
    routes(azure, (resource, at) => removeAny(azure, resource, at)),
    seeded,
    advance,
  );
  inner.use(dispatcher.inner);
  return {
    azure,
    dispatcher,
    close: () => {
      azure.record.write();
      db.close();
    },
  };
}

function removeAny(azure: Azure, resource: Parameters<typeof removeResource>[2], goneAt: number): void {
  const kind = kinds.find(({ type }) => type.toLowerCase() === resource.type.toLowerCase());
  if (kind === undefined) azure.resources.remove(resource.id, goneAt);
  else removeResource(azure, kind, resource, goneAt);
}

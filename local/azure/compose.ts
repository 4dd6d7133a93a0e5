import { createHmac } from 'node:crypto';
import { Operations } from './arm/operations';
import { Rbac } from './authorization/rbac';
import { type Azure } from './azure';
import { Tokens } from './entra/tokens';
import { type Keys } from './keys';
import { Registrations } from './resources/registrations';
import { Chaos } from './simulator/chaos';
import { Creations } from './simulator/creations';
import { Faults } from './simulator/faults';
import { OutsideHand } from './simulator/outsideHand';
import { RequestRecord } from './simulator/record';
import { Windows } from './simulator/windows';
import { type Database } from './store/database';
import { DeletedVaults } from './store/deletedVaults';
import { Directory } from './store/directory';
import { DirectoryObjects } from './store/directoryObjects';
import { Grants } from './store/grants';
import { Hierarchy } from './store/hierarchy';
import { Resources } from './store/resources';
import { Secrets } from './store/secrets';
import { type Tenant } from './tenant';

interface Parts {
  readonly db: Database;
  readonly tenant: Tenant;
  readonly keys: Keys;
  readonly origin: string;
  readonly now: () => number;
  /** Which of the matching requests a fault with a probability strikes. */
  readonly seed: string;
  /** Faults from this seed. */
  readonly chaos?: string | undefined;
}

/** Builds every part of the simulated Azure over one database. */
export function compose({ db, tenant, keys, origin, now, seed, chaos }: Parts): Azure {
  const hierarchy = new Hierarchy(db);
  const grants = new Grants(db);
  return {
    now,
    origin,
    tenant,
    db,
    hierarchy,
    grants,
    resources: new Resources(db, now),
    directory: new Directory(db, now),
    directoryObjects: new DirectoryObjects(db),
    secrets: new Secrets(db, keys.vault),
    deletedVaults: new DeletedVaults(db, now),
    registrations: new Registrations(db, now, tenant.unregisteredProviders),
    rbac: new Rbac(grants, hierarchy, now),
    tokens: new Tokens(keys.signing, tenant.tenantId, origin, now),
    operations: new Operations(db, now, origin),
    faults: new Faults(db, seed),
    chaos: chaos === undefined ? undefined : new Chaos(chaos),
    creations: new Creations(db, now),
    hand: new OutsideHand(),
    record: new RequestRecord(db),
    windows: new Windows(db, now),
    derive: (purpose) => createHmac('sha512', keys.vault).update(purpose).digest(),
    identityHeader: keys.identityHeader,
  };
}

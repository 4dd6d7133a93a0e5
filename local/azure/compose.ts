import { Operations } from './arm/operations';
import { Roles } from './authorization/customRoles';
import { Rbac } from './authorization/rbac';
import { type Azure } from './azure';
import { Tokens } from './entra/tokens';
import { type Keys } from './keys';
import { Registrations } from './resources/registrations';
import { Faults } from './simulator/faults';
import { RequestRecord } from './simulator/record';
import { Windows } from './simulator/windows';
import { type Database } from './store/database';
import { Directory } from './store/directory';
import { Extensions } from './store/extensions';
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
}

/** Builds every part of the simulated Azure over one database. */
export function compose({ db, tenant, keys, origin, now }: Parts): Azure {
  const hierarchy = new Hierarchy(db);
  const grants = new Grants(db);
  const extensions = new Extensions(db, now);
  const roles = new Roles(extensions);
  return {
    now,
    origin,
    tenant,
    db,
    hierarchy,
    grants,
    extensions,
    roles,
    resources: new Resources(db, now),
    directory: new Directory(db, now),
    secrets: new Secrets(db, keys.vault),
    registrations: new Registrations(db, now, tenant.unregisteredProviders),
    rbac: new Rbac(grants, hierarchy, roles, now),
    tokens: new Tokens(keys.signing, tenant.tenantId, origin, now),
    operations: new Operations(db, now, origin),
    faults: new Faults(),
    record: new RequestRecord(db),
    windows: new Windows(db, now),
    identityHeader: keys.identityHeader,
  };
}

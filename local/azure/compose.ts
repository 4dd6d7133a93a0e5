import { createHmac } from 'node:crypto';
import { Operations } from './arm/operations';
import { Roles } from './authorization/customRoles';
import { Rbac } from './authorization/rbac';
import { type Azure } from './azure';
import { OutsideIssuers } from './entra/outsideIssuers';
import { Tokens } from './entra/tokens';
import { Clock } from './clock';
import { DeploymentEngine } from './deployments/engine';
import { DeploymentStore } from './deployments/store';
import { LateInner } from './http/inner';
import { type Keys } from './keys';
import { Registrations } from './resources/registrations';
import { Chaos } from './simulator/chaos';
import { Creations } from './simulator/creations';
import { Faults } from './simulator/faults';
import { OutsideHand } from './simulator/outsideHand';
import { RequestRecord } from './simulator/record';
import { ShapeRecord } from './simulator/shapeRecord';
import { Windows } from './simulator/windows';
import { type Database } from './store/database';
import { DeletedVaults } from './store/deletedVaults';
import { Directory } from './store/directory';
import { DirectoryObjects } from './store/directoryObjects';
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
  /** Which of the matching requests a fault with a probability strikes. */
  readonly seed: string;
  /** Faults from this seed. */
  readonly chaos?: string | undefined;
}

interface Composed {
  readonly azure: Azure;
  /** To be told how requests are handled, once that is known. */
  readonly inner: LateInner;
  /** Does what has become due since the last request. */
  readonly advance: () => void;
}

/** Builds every part of the simulated Azure over one database. */
export function compose({ db, tenant, keys, origin, now: real, seed, chaos }: Parts): Composed {
  const clock = new Clock(real);
  const { now } = clock;
  const inner = new LateInner();
  const hierarchy = new Hierarchy(db);
  const grants = new Grants(db);
  const extensions = new Extensions(db, now);
  const roles = new Roles(extensions);
  const deployments = new DeploymentStore(db);
  const azure: Azure = {
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
    directoryObjects: new DirectoryObjects(db),
    secrets: new Secrets(db, keys.vault),
    deletedVaults: new DeletedVaults(db, now),
    registrations: new Registrations(db, now, [...tenant.unregisteredProviders, ...tenant.unregisteredFeatures]),
    rbac: new Rbac(grants, hierarchy, roles, now),
    tokens: new Tokens(keys.signing, tenant.tenantId, origin, now),
    issuers: new OutsideIssuers(keys.outside, origin, now),
    operations: new Operations(db, now, origin),
    inner,
    deployments,
    faults: new Faults(db, seed),
    chaos: chaos === undefined ? undefined : new Chaos(chaos),
    creations: new Creations(db, now),
    hand: new OutsideHand(),
    record: new RequestRecord(db),
    shapes: ShapeRecord.of(process.env['SIMULATED_AZURE_SHAPES']),
    windows: new Windows(db, now),
    derive: (purpose) => createHmac('sha512', keys.vault).update(purpose).digest(),
    identityHeader: keys.identityHeader,
  };
  const engine = new DeploymentEngine(azure, deployments, clock);
  return { azure, inner, advance: () => engine.advance() };
}

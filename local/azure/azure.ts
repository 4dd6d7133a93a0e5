import { type Grants } from './store/grants';
import { type Rbac } from './authorization/rbac';
import { type Database } from './store/database';
import { type DeletedVaults } from './store/deletedVaults';
import { type Extensions } from './store/extensions';
import { type Roles } from './authorization/customRoles';
import { type Directory } from './store/directory';
import { type DirectoryObjects } from './store/directoryObjects';
import { type Hierarchy } from './store/hierarchy';
import { type Operations } from './arm/operations';
import { type DeploymentStore } from './deployments/store';
import { type Inner } from './http/inner';
import { type Registrations } from './resources/registrations';
import { type RequestRecord } from './simulator/record';
import { type ShapeRecord } from './simulator/shapeRecord';
import { type Resources } from './store/resources';
import { type Chaos } from './simulator/chaos';
import { type Creations } from './simulator/creations';
import { type Faults } from './simulator/faults';
import { type OutsideHand } from './simulator/outsideHand';
import { type Windows } from './simulator/windows';
import { type Tenant, type Timings } from './tenant';
import { type OutsideIssuers } from './entra/outsideIssuers';
import { type Tokens } from './entra/tokens';
import { type Secrets } from './store/secrets';

/** Everything that a product's handlers may use. Each part has one owner file. */
export interface Azure {
  /** Epoch milliseconds. Read at each call: simulated time is somebody else's business. */
  readonly now: () => number;
  /** `https://127.0.0.1:8443`, without a trailing slash. */
  readonly origin: string;
  readonly tenant: Tenant;
  readonly db: Database;
  readonly resources: Resources;
  readonly hierarchy: Hierarchy;
  readonly directory: Directory;
  readonly directoryObjects: DirectoryObjects;
  readonly grants: Grants;
  readonly extensions: Extensions;
  readonly roles: Roles;
  readonly secrets: Secrets;
  readonly deletedVaults: DeletedVaults;
  readonly registrations: Registrations;
  readonly rbac: Rbac;
  readonly tokens: Tokens;
  readonly issuers: OutsideIssuers;
  readonly operations: Operations;
  readonly inner: Inner;
  readonly deployments: DeploymentStore;
  readonly faults: Faults;
  readonly record: RequestRecord;
  /** Where the shapes of requests and answers are wanted. */
  readonly shapes: ShapeRecord | undefined;
  /** Faults from a seed, in chaos mode. */
  readonly chaos: Chaos | undefined;
  readonly creations: Creations;
  readonly hand: OutsideHand;
  readonly windows: Windows;
  /** 64 secret bytes of this state folder for a purpose, the same each time. Nothing of them is in the database. */
  readonly derive: (purpose: string) => Buffer;
  /** What `IDENTITY_HEADER` must be. */
  readonly identityHeader: string;
}

/** When something that takes as long as `timing` and starts now will be done. */
export const doneAt = (azure: Azure, timing: keyof Timings): number =>
  azure.now() + azure.tenant.timings[timing] * 1000;

/** What a plan tells of each kind beside its permissions: what it is addressed by, and what it costs. Pure. */
import { type Kind, type Spec, UNKNOWN } from '../resources';
import type { Limit } from './limits';

interface PlanRow {
  /** Properties of `wanted` without which it cannot be looked up: it is not there while they are unknown. */
  readonly addressedBy: readonly string[];
  /** What its writes draw on. */
  readonly limits: readonly Limit[];
  /** Until Azure has made it: what is usual, nobody promises it. */
  readonly seconds: number;
  /** How often it is looked at until then, where that is not the usual. */
  readonly pollSeconds?: number;
}

const row = (seconds: number, limits: readonly Limit[], addressedBy: readonly string[] = []): PlanRow => ({
  addressedBy,
  limits,
  seconds,
});
const ARM = ['armWrites'] as const;
const NETWORK = ['armWrites', 'networkWrites'] as const;
const GRAPH = ['graphWrites'] as const;
/** Until an identity that is new is known everywhere in the directory, which Entra gives no number for. */
const REPLICATION_SECONDS = 30;

/** Complete by type: a kind without its row does not compile. */
export const planKinds: Readonly<Record<Kind, PlanRow>> = {
  providerRegistration: row(60, ARM),
  resourceGroup: row(1, ARM),
  virtualNetwork: row(5, NETWORK),
  publicIPAddress: row(5, NETWORK),
  natGateway: row(10, NETWORK),
  subnet: row(5, NETWORK),
  marketplaceAgreement: row(1, ARM),
  // The account, its key and the blob are read each half minute.
  vhdCopy: { ...row(900, []), pollSeconds: 10 },
  image: row(60, ARM),
  networkSecurityGroup: row(5, NETWORK),
  userAssignedIdentity: row(REPLICATION_SECONDS, ARM),
  existingIdentity: row(0, ARM),
  application: row(1, GRAPH),
  servicePrincipal: row(REPLICATION_SECONDS, GRAPH, ['appId']),
  clientSecret: row(1, ['graphWrites', 'vaultWrites'], ['applicationId']),
  applicationFederatedCredential: row(1, GRAPH, ['applicationId']),
  identityFederatedCredential: row(1, ARM),
  graphPermission: row(1, GRAPH, ['principalId']),
  roleAssignment: row(1, ['authorizationWrites'], ['principalId']),
  sshKey: row(1, ['vaultWrites']),
  networkInterface: row(5, NETWORK),
  virtualMachine: row(120, ['armWrites', 'vmWrites']),
  publicIPAssociation: row(5, NETWORK),
  securityRule: row(5, NETWORK),
};

/** Can it be looked up? Not while something is unknown that it is addressed by: then it is not there yet. */
export const isAddressed = ({ kind, wanted }: Spec): boolean =>
  planKinds[kind].addressedBy.every((property) => Reflect.get(wanted, property) !== UNKNOWN);

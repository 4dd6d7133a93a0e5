/** What an appliance is asked to prove from what it was set up with. Pure. */
import type { ApplianceJob, Entry, ProofJob } from '../activities/contracts';
import type { ApplianceChoice } from '../domain/blueprint/blueprint';
import type { Given } from '../domain/graph';
import type { Questions } from '../domain/proofScript';
import { originsOf } from '../domain/proof';
import type { SentryInput } from './inputs';

interface Visited {
  readonly input: SentryInput;
  readonly appliance: ApplianceChoice;
  readonly given: Given;
}

export function questionsOf({ input: { cloud, request }, appliance, given }: Visited): Questions {
  const clientId =
    request.identity.kind === 'managedIdentity' ? given['userAssignedIdentity']?.['clientId'] : undefined;
  const { armEndpoint, armAudience } = cloud;
  return {
    origins: originsOf(cloud, appliance.outboundHosts),
    ...(clientId === undefined ? {} : { identity: { clientId, armEndpoint, armAudience } }),
  };
}

/** What has to be readable before the set-up script is run; undefined where that is not asked on the appliance. */
export function firstRead(visited: Visited): ApplianceJob['first'] {
  const { identity } = questionsOf(visited);
  return identity && { questions: { origins: [], identity }, subscriptions: visited.input.subscriptions };
}

export function proofJob(visited: Visited, { address, port, username, hostKey, sshKeyName }: Entry): ProofJob {
  const { access, network } = visited.appliance;
  // Where the network is ours, its subnet has a NAT gateway.
  const unsure = access.kind === 'temporaryPublicIp' && network.kind === 'existing';
  return {
    address,
    port,
    username,
    hostKey,
    sshKeyName,
    subscriptions: visited.input.subscriptions,
    questions: questionsOf(visited),
    ...(unsure ? { subnetId: network.subnetId } : {}),
  };
}

/** What an appliance is asked to prove over a session, from what it was set up with. Pure. */
import type { Entry, ProofJob } from '../activities/contracts';
import type { ApplianceChoice } from '../domain/blueprint/blueprint';
import type { Given } from '../domain/graph';
import { originsOf } from '../domain/proof';
import type { SentryInput } from './inputs';

interface Visited {
  readonly input: SentryInput;
  readonly appliance: ApplianceChoice;
  readonly given: Given;
}

export function proofJob(
  { input, appliance, given }: Visited,
  { address, port, username, hostKey, sshKeyName }: Entry,
): ProofJob {
  const { cloud, request, subscriptions } = input;
  const { access, network, outboundHosts } = appliance;
  const clientId =
    request.identity.kind === 'managedIdentity' ? given['userAssignedIdentity']?.['clientId'] : undefined;
  const { armEndpoint, armAudience } = cloud;
  // Where the network is ours, its subnet has a NAT gateway.
  const unsure = access.kind === 'temporaryPublicIp' && network.kind === 'existing';
  return {
    address,
    port,
    username,
    hostKey,
    sshKeyName,
    subscriptions,
    questions: {
      origins: originsOf(cloud, outboundHosts),
      ...(clientId === undefined ? {} : { identity: { clientId, armEndpoint, armAudience } }),
    },
    ...(unsure ? { subnetId: network.subnetId } : {}),
  };
}

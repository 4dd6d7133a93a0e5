import { z } from 'zod';
import type { Appliance, Session } from '../appliance/port';
import { AzureError, type Azure } from '../azure/ports';
import type { Found } from '../domain/proofScript';
import type { activities, HandlerOf, ProofJob, ProofResult } from './contracts';
import { prove, type RunScript } from './prove';
import { ourKeys } from './sshKey';

/** Guide, "Outbound traffic is 443": asked on the appliance itself, over a session of its own, before its window closes. */
export const makeProveAppliance =
  (azure: Azure, appliance: Appliance): HandlerOf<typeof activities.proveAppliance> =>
  async (job) => {
    try {
      const { run, met } = overSession(appliance, await sessionOf(azure, job));
      const result = await prove(run, job.questions, job.subscriptions);
      return { ...(result.kind === 'answered' ? await lasting(azure, job, result) : result), ...met() };
    } catch (error) {
      if (!(error instanceof AzureError)) throw error;
      return { kind: 'unanswered', reason: error.outcome.reason };
    }
  };

async function sessionOf(azure: Azure, { address, port, username, hostKey, sshKeyName }: ProofJob): Promise<Session> {
  const privateKeys = (await ourKeys(azure, sshKeyName)).map(({ privateKey }) => privateKey);
  return { address, port, username, hostKey, privateKeys };
}

/** Whoever is met first is who is asked all: each script runs in a session of its own. */
function overSession(appliance: Appliance, session: Session) {
  let hostKey: string | undefined;
  const run: RunScript = async (script) => {
    const ran = await appliance.run({ ...session, hostKey: session.hostKey ?? hostKey }, script);
    if (ran.kind !== 'ran') return { kind: 'unanswered', reason: ran.reason };
    ({ hostKey } = ran);
    return ran;
  };
  return { run, met: () => (hostKey === undefined ? {} : { hostKey }) };
}

const subnet = z.looseObject({
  natGateway: z.unknown(),
  routeTable: z.unknown(),
  defaultOutboundAccess: z.boolean().optional(),
});

/**
 * A way out that leads through the window's own public address is gone with it. The subnet must have another: a NAT
 * gateway, a route, or Azure's default one (azure-docs, default-outbound-access).
 */
async function lasting({ arm }: Azure, { subnetId }: ProofJob, result: Found): Promise<ProofResult> {
  const found = subnetId === undefined ? undefined : await arm.subnet.get(subnetId);
  if (!found) return result;
  const { natGateway, routeTable, defaultOutboundAccess } = subnet.parse(found);
  if (natGateway || routeTable || defaultOutboundAccess !== false) return result;
  const why = 'only through the public address of its access window, which does not stay';
  return {
    ...result,
    reached: [],
    unreached: [...result.unreached, ...result.reached.map((origin) => ({ origin, why }))],
  };
}

/** Preflight as a deployment runs it, its reads made by the app's real adapters against the simulated Azure. */
import { z } from 'zod';
import { makeInspectHost } from '../../../src/activities/inspectHost';
import { makeInspectScopes } from '../../../src/activities/inspectScopes';
import { assign } from '../../../src/domain/fleet';
import type { Finding } from '../../../src/domain/preflight/finding';
import type { DeploymentInput } from '../../../src/orchestrations/inputs';
import { type Preflight, preflight } from '../../../src/orchestrations/preflight';
import { wantedNow } from '../../../src/domain/subscriptions';
import { profile, request } from '../../support/requests';
import { runOrchestrator } from '../../support/runOrchestrator';
import type { World } from './adapters.support';
import { location, platform, watched } from './simulator.support';

const TENANT = '7e000000-0000-4000-8000-000000000001';

export const listed = (...ids: readonly string[]) => ({ subscriptions: { include: [{ kind: 'ids', ids }] } });

/** A request for the first watched subscription, in a group of its own. */
export const inputFor = (name: string, changes: object = {}): DeploymentInput => ({
  request: request({
    name,
    tenantId: TENANT,
    placement: { subscriptionId: platform, resourceGroup: name, location },
    ...listed(watched(1)),
    ...changes,
  }),
  profile,
  egressAddresses: ['203.0.113.10/32'],
  privateNetwork: false,
  cloud: {
    armEndpoint: 'https://management.azure.com',
    armAudience: 'https://management.azure.com',
    authorityHost: 'https://login.microsoftonline.com',
    graphEndpoint: 'https://graph.microsoft.com',
  },
});

/** `settled`: an earlier run brought every Sentry to its end. `made`: ids of what earlier runs made. */
export async function findingsOf(
  { ports, azure }: World,
  input: DeploymentInput,
  settled = false,
  made: readonly string[] = [],
): Promise<readonly Finding[]> {
  // The simulated Azure's clock stands still: its buckets would run dry.
  azure.advance(60);
  const placed = assign([], wantedNow(input, [], { onboarded: [], placement: [] }), profile.maxSubscriptions);
  const { output, failure } = await runOrchestrator<Preflight>('preflight', {
    input,
    activities: { inspectHost: makeInspectHost(ports, TENANT), inspectScopes: makeInspectScopes(ports) },
    orchestrators: {
      preflight: (context) =>
        preflight(context, context.df.getInput<DeploymentInput>(), placed, { placement: [], settled, made }),
    },
  });
  if (!output) throw new Error(failure ?? 'Preflight gave nothing.');
  return output.findings;
}

const asked = z.array(z.object({ method: z.string(), path: z.string(), caller: z.string(), status: z.number() }));
export const APP = 'a0000000-0000-4000-8000-000000000001';

/** What was asked of Azure while `work` ran, tokens apart: by the app, or by nobody whom Azure could name. */
export async function askedWhile({ azure }: World, work: () => Promise<unknown>) {
  const record = async () => asked.parse((await azure.ask('GET', '/_simulator/requests?full=true')).body);
  const before = (await record()).length;
  await work();
  const all = (await record()).slice(before);
  return all.filter(({ path }) => !/\/oauth2\/|^\/_simulator|\/metadata\/|\/msi\//.test(path));
}

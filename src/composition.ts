/** The one place that builds adapters. */
import type { Duplex } from 'node:stream';
import type { Appliance, UnattendedScript } from './appliance/port';
import { createSshAppliance } from './appliance/ssh';
import { unattendedScript } from './appliance/unattended';
import { application } from './azure/arm/application';
import { grants } from './azure/arm/grants';
import { metrics } from './azure/arm/metrics';
import { operations } from './azure/arm/operations';
import { runCommands } from './azure/arm/runCommands';
import { armStores } from './azure/arm/stores';
import { subscriptions } from './azure/arm/subscriptions';
import { windows } from './azure/arm/windows';
import { connect, type Transport } from './azure/client';
import { withSortedFailures } from './azure/errors';
import { directory } from './azure/graph/directory';
import { inspection } from './azure/inspection/inspection';
import { secrets } from './azure/keyVault/secrets';
import type { Azure } from './azure/ports';
import { pageBlobs } from './azure/storage/pageBlobs';
import { type Config, readConfig } from './config';
import type { Profile } from './domain/profile';
import { readProfiles } from './profiles';

export interface Services {
  readonly config: Config;
  readonly profiles: Readonly<Record<string, Profile>>;
  readonly azure: Azure;
  readonly appliance: Appliance;
  readonly unattendedScript: UnattendedScript;
}

interface Overrides extends Transport {
  /** Opens the stream that SSH runs over. */
  readonly connect?: (host: string, port: number) => Promise<Duplex>;
}

let overrides: Overrides = {};
let built: Services | undefined;

/**
 * Puts something else in place of the network, for a deterministic run in one process. Nothing in production calls it.
 * @public
 */
export function configure(transport: Overrides): void {
  overrides = transport;
  built = undefined;
}

/** Everything the activities and routes stand on, made at first use. Throws where a setting or profile is wrong. */
export const services = (): Services => (built ??= build());

function build(): Services {
  const config = readConfig(process.env);
  const connection = connect(config, overrides);
  const stores = Object.entries(armStores(connection)).map(
    ([kind, store]) => [kind, withSortedFailures(store)] as const,
  );
  return {
    config,
    profiles: readProfiles(),
    azure: {
      arm: Object.fromEntries(stores) as unknown as Azure['arm'],
      operations: withSortedFailures(operations(connection)),
      directory: withSortedFailures(directory(connection)),
      secrets: withSortedFailures(secrets(connection)),
      grants: withSortedFailures(grants(connection)),
      pageBlobs: withSortedFailures(pageBlobs(connection)),
      runCommands: withSortedFailures(runCommands(connection)),
      metrics: withSortedFailures(metrics(connection)),
      subscriptions: withSortedFailures(subscriptions(connection)),
      application: withSortedFailures(application(connection)),
      inspection: withSortedFailures(inspection(connection)),
      windows: withSortedFailures(windows(connection)),
    },
    unattendedScript,
    appliance: createSshAppliance({
      ...(config.applianceProxy ? { proxy: config.applianceProxy } : {}),
      ...(overrides.connect ? { connect: overrides.connect } : {}),
    }),
  };
}

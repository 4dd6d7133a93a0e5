import type { OrchestrationContext } from 'durable-functions';
import type { ApplianceChoice } from '../domain/blueprint/blueprint';
import type { Story } from './call';
import { manual } from './configuration/manual';
import { runCommand } from './configuration/runCommand';
import { ssh } from './configuration/ssh';
import type { Configured, Stopped, Visit } from './configuration/visit';

type Kind = ApplianceChoice['configuration']['kind'];
type Configuration = (context: OrchestrationContext, visit: Visit) => Story<Configured | Stopped>;

const configurations: Readonly<Record<Kind, Configuration>> = { ssh, runCommand, manual };

/** Guide, "Connecting the CloudKnox Sentry with the CloudKnox console" and "Configure the Sentry", as was asked for. */
export function* configure(context: OrchestrationContext, visit: Visit): Story<Configured | Stopped> {
  return yield* configurations[visit.appliance.configuration.kind](context, visit);
}

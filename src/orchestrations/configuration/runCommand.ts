import type { OrchestrationContext } from 'durable-functions';
import { activities, type ProofResult, type ScriptResult, type UnattendedJob } from '../../activities/contracts';
import type { Refusal } from '../../domain/outcome';
import { endsAt, scheduleOver } from '../../domain/schedule';
import type { Proof } from '../../domain/states';
import { call, firstOf, now, type Story } from '../call';
import { proofCommands } from '../proofCommand';
import { questionsOf } from '../proofJob';
import { proveAppliance, whyFailed } from '../prove';
import { tellMe } from '../sentryState';
import { askForRegistration, registered } from './registration';
import { settled } from '../settled';
import { type Configured, output, scriptJob, type Stopped, type Visit } from './visit';

const HOUR_MS = 3_600_000;
const WAIT_HOURS = 24;
/** Asked as of one that was set up before, or as of a new one: there is no third way. */
const MOST_TRIES = 2;

/**
 * The set-up script by way of Azure's agent in the VM: no port is opened, no public address exists, and nobody has to
 * be there but to bring the console's email and PIN.
 */
export function* runCommand(context: OrchestrationContext, visit: Visit): Story<Configured | Stopped> {
  tellMe(context, visit.input, { stage: 'configuration' });
  const vmId = output(visit.given, 'virtualMachine', 'id');
  const agent = yield* settled(context, () => call(context, activities.checkAgent, { vmId }));
  if (agent.kind === 'refused') return refusal(agent);

  const ask = proofCommands(context, {
    ...commandOf(visit, vmId, 'sentry-proof'),
    questions: questionsOf(visit),
    subscriptions: visit.input.subscriptions,
  });
  // Before the script, which picks among what its identity reads; and before anybody goes to the console.
  const proof = yield* proven(context, visit, ask);
  if ('code' in proof) return proof;
  for (let round = 1; ; round += 1) {
    const answer = yield* bringRegistration(context, visit, round);
    if ('code' in answer) return answer;
    const result = yield* runScript(context, visit, vmId, answer.registrationUri, round);
    if (result.kind === 'configured') return noted(context, visit, proof);
    if (result.kind === 'stopped') return yield* whyFailed(ask, { ...refusal(result), transcript: result.transcript });
  }
}

/** A Sentry that cannot report is not set up. */
function* proven(
  context: OrchestrationContext,
  { input, granted }: Visit,
  ask: () => Story<ProofResult>,
): Story<Proof | Refusal> {
  tellMe(context, input, { stage: 'proof' });
  return yield* proveAppliance(context, ask, granted, () => true);
}

function noted(context: OrchestrationContext, { input, granted }: Visit, proof: Proof): Configured {
  const configured = { subscriptions: granted, proof };
  tellMe(context, input, { configured });
  return configured;
}

/** The console's form wants an address, and the private one is all that there is. */
function* bringRegistration(
  context: OrchestrationContext,
  visit: Visit,
  round: number,
): Story<{ readonly registrationUri: string } | Refusal> {
  const address = output(visit.given, 'networkInterface', 'privateIPAddress');
  const note = 'It is the private one: no port is opened, and the console need not reach it.';
  const registration = askForRegistration(context, visit, address, round, note);
  const limit = now(context) + WAIT_HOURS * HOUR_MS;
  const ends = endsAt(visit.input.request);
  yield* firstOf(context, [registration], Math.min(limit, ends));
  if (!registration.isCompleted) return ends < limit ? scheduleOver(visit.input.request) : nobodyRegistered;
  return registered(context, visit, registration);
}

/** Whether it was set up before is a guess until the script has spoken: where it was wrong, once more the other way. */
function* runScript(
  context: OrchestrationContext,
  visit: Visit,
  vmId: string,
  registrationUri: string,
  round: number,
): Story<ScriptResult> {
  let again = false;
  for (let attemptNumber = 1; attemptNumber <= MOST_TRIES; attemptNumber += 1) {
    const job: UnattendedJob = {
      ...scriptJob(visit, registrationUri),
      ...commandOf(visit, vmId, 'sentry-setup'),
      attempt: `${context.df.instanceId}-${round}-${attemptNumber}`,
      again,
    };
    const answer = yield* settled(context, (operation) =>
      call(context, activities.runUnattended, { ...job, operation }),
    );
    // Azure shows no protected parameter again, and the next attempt takes away what is left: a failure stops nothing.
    yield* settled(context, () => call(context, activities.removeRunCommand, { id: job.id }));
    if (answer.kind === 'refused') return { ...answer, kind: 'stopped', transcript: '' };
    if (answer.kind === 'ended') return answer.result;
    again = answer.again;
  }
  return { kind: 'stopped', transcript: '', ...neitherWay };
}

const commandOf = ({ input: { request } }: Visit, vmId: string, name: string) => ({
  id: `${vmId}/runCommands/${name}`,
  location: request.placement.location,
  deployment: request.name,
});

const refusal = ({ code, reason, remedy }: Refusal): Refusal => ({ code, reason, remedy });

const nobodyRegistered: Refusal = {
  code: 'NobodyRegistered',
  reason: `Nobody brought the console’s email and PIN within ${WAIT_HOURS} hours`,
  remedy: 'Send the same request again when someone is at the console.',
};
const neitherWay: Refusal = {
  code: 'UnattendedMismatch',
  reason: 'The set-up script asked other questions than the profile’s `script.unattended` has answers for',
  remedy: 'Correct the profile, or ask for configuration ssh or manual. Then send the same request again.',
};

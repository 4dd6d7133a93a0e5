/** Guide, "Connecting the CloudKnox Sentry with the CloudKnox console": a person brings the console's email and PIN. */
import type { OrchestrationContext, Task } from 'durable-functions';
import { declinedHandoff, type Handoff, handoffId } from '../../domain/handoff';
import type { Refusal } from '../../domain/outcome';
import { registeredSchema } from '../../domain/window';
import type { SentryInput } from '../inputs';
import { tellMe } from '../sentryState';
import type { Visit } from './visit';

/** The console's steps up to the email and PIN. It wants an address for the appliance, whether it can reach it or not. */
export const consoleSteps = (address: string): readonly string[] => [
  'In the console: Settings (gear icon) > Data Collectors > Azure > Deploy > Next.',
  `Enter the appliance's address ${address}, then Next.`,
];

/** Asks for email and PIN, the nth time with the nth event. `note` says what else there is to know. */
export function askForRegistration(
  context: OrchestrationContext,
  { input }: Visit,
  address: string,
  round: number,
  note?: string,
): Task {
  const event = `registration-${round}`;
  tellMe(context, input, { stage: 'registration', handoff: handoff(input, address, event, round > 1, note) });
  return context.df.waitForExternalEvent(event);
}

/** Where email and PIN lie, or why nobody brings them. */
export function registered(
  context: OrchestrationContext,
  { input }: Visit,
  { result }: Task,
): { readonly registrationUri: string } | Refusal {
  tellMe(context, input, { stage: 'configuration', handoff: null });
  const answer = registeredSchema.parse(result);
  return 'declined' in answer ? declinedHandoff('registration', answer.declined) : answer;
}

const handoff = (
  { request, n }: SentryInput,
  address: string,
  event: string,
  wrongPin: boolean,
  note: string | undefined,
): Handoff => ({
  id: handoffId('registration', n),
  kind: 'registration',
  address,
  event,
  text: [
    ...(wrongPin ? ['The console did not know that PIN, or it had expired: take a new one.'] : []),
    ...consoleSteps(address),
    ...(note === undefined ? [] : [note]),
    `Send the email and PIN that it shows to \`POST /api/deployments/${request.name}/sentries/${n}/registration\`.`,
  ].join(' '),
});

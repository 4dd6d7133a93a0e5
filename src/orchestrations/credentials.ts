import type { OrchestrationContext } from 'durable-functions';
import { CREDENTIALS, formerCredentials } from '../domain/blueprint/identity';
import { type Given, isCutOff, outputsOf, type Progress } from '../domain/graph';
import type { Refusal } from '../domain/outcome';
import { endsAt, scheduleOver } from '../domain/schedule';
import { refusals } from '../domain/states';
import type { Beginning } from '../entities/sentry';
import type { Story } from './call';
import { carryOut } from './carryOut';
import type { SentryInput } from './inputs';
import { tellMe } from './sentryState';

/** Was its client secret made anew since the appliance was told one: lost, or past its end? */
export const isRenewed = ({ keyId }: Beginning, given: Given): boolean =>
  keyId !== null && given['clientSecret'] !== undefined && given['clientSecret']['keyId'] !== keyId;

/**
 * Takes away what an earlier request let the Sentry sign in with and this one does not, once the new credential is in
 * place. Answers what could not be taken away: a credential that nobody asks for any more must not be passed over.
 */
export function* dropCredentials(
  context: OrchestrationContext,
  input: SentryInput,
  { credentials }: Beginning,
  progress: Progress,
): Story<readonly Refusal[]> {
  const former = formerCredentials(input, input.n, credentials);
  const given = outputsOf(progress);
  const inPlace = CREDENTIALS.every((key) => (progress[key]?.state ?? 'done') === 'done');
  const named = former.every(({ needs }) => needs.every((need) => given[need]));
  if (former.length === 0 || !inPlace || !named) return [];
  const gone = yield* carryOut(context, 'remove', input.request.name, former, given, {
    deadline: endsAt(input.request),
  });
  tellMe(context, input, { gone: former.map(({ key }) => key).filter((key) => gone[key]?.state === 'done') });
  return [...(isCutOff(former, gone) ? [scheduleOver(input.request)] : []), ...refusals(former, gone)];
}

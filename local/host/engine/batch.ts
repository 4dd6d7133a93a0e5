/** What an orchestration reads in its next turn. */
import { type Core } from './core';
import { answeredId, EVENT } from './history';
import { type Instance, isTerminal, type Message } from './store';
import { verdictOn, type Versioning } from './versions';

const CONTROL: ReadonlySet<number> = new Set([
  EVENT.executionTerminated,
  EVENT.executionSuspended,
  EVENT.executionResumed,
  EVENT.continueAsNew,
]);
/** What gets through to an instance that may not run; everything else waits (contract 7.4). */
const THROUGH_SUSPENSION: ReadonlySet<number> = new Set([EVENT.executionResumed, EVENT.executionTerminated]);
/** Its messages wait, but for those that end or resume it. */
export const mayNotRun = ({ status, version }: Instance, versioning: Versioning): boolean =>
  status === 'Suspended' || verdictOn(version, versioning) === 'wait';

/** What the next turn reads. Answers of an earlier execution and second answers are dropped (contract 4.2). */
export function selectBatch(core: Core, id: string, instance: Instance | undefined) {
  const inbox = core.state.inbox(id);
  if (!instance || isTerminal(instance.status)) return { batch: [], dropped: inbox };
  const { open } = core.state.history(id);
  const answers = new Set<number>();
  const isFresh = ({ executionId, event }: Message): boolean => {
    if (executionId !== null && executionId !== instance.executionId) return false;
    const answered = answeredId(event);
    if (answered === undefined) return true;
    const isFirst = open.has(answered) && !answers.has(answered);
    answers.add(answered);
    return isFirst;
  };
  const waiting: Message[] = [];
  const dropped: Message[] = [];
  for (const message of inbox) (isFresh(message) ? waiting : dropped).push(message);
  if (mayNotRun(instance, core.ports.versioning)) {
    // A second suspension, sent before the first was read, would suspend again what has been resumed since.
    const isAgain = (type: number): boolean => type === EVENT.executionSuspended && instance.status === 'Suspended';
    const through = waiting.find(({ event: { EventType: type } }) => THROUGH_SUSPENSION.has(type) || isAgain(type));
    return { batch: through ? [through] : [], dropped };
  }
  // A loop of continueAsNew without a pause puts the next one in front again and again: it must be possible to end it.
  const terminated = waiting.find(({ event }) => event.EventType === EVENT.executionTerminated);
  if (terminated && waiting[0]?.event.EventType === EVENT.continueAsNew) return { batch: [terminated], dropped };
  const standsAlone = ({ event, alone }: Message): boolean => alone || CONTROL.has(event.EventType);
  const end = waiting.findIndex(standsAlone);
  const length = end === 0 ? 1 : end < 0 ? waiting.length : end;
  return { batch: waiting.slice(0, Math.min(length, core.ports.limits.messagesPerTurn)), dropped };
}

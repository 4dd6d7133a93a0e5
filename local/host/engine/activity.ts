/** One run of an activity. It may run twice, but only one answer of it counts. */
import { type Core } from './core';
import { EVENT, makeEvent } from './history';
import { asksForPoll } from './httpCall';
import { type ActivityRow } from './store';
import { activityFailure } from './texts';

export async function runActivity(core: Core, row: ActivityRow): Promise<void> {
  const { instanceId, executionId, taskId, input } = row;
  const name = core.find('activity', row.name) ?? row.name;
  const answer = await core.ports.invoke({ kind: 'activity', name, instanceId, input });
  // Answered before, or its instance has ended.
  if (!core.state.isOpen(row)) return;
  core.commit((outbox) => {
    const failure = answer.ok ? undefined : activityFailure(row.name, answer.error);
    const event = answer.ok
      ? makeEvent(EVENT.taskCompleted, outbox.now, { TaskScheduledId: taskId, Result: answer.result })
      : makeEvent(EVENT.taskFailed, outbox.now, { TaskScheduledId: taskId, ...failure });
    outbox.write((state) => state.removeActivity(row));
    outbox.post(instanceId, event, { executionId, alone: row.retried && (!answer.ok || asksForPoll(row.name, event)) });
  });
}

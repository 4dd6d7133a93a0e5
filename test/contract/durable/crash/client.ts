/** A step, done on an engine in this process. */
import { type EngineClient, Refused } from '../../../../local/host/engine/client';
import { isTerminal } from '../../../../local/host/engine/store';
import { hasSeen, REASON, type Step } from './steps';

/** @returns false when it cannot be done yet */
export function perform(client: EngineClient, step: Step): boolean {
  const { id } = step;
  const instance = client.instance(id);
  switch (step.act) {
    case 'start':
      // The answer to the last attempt may have been lost.
      if (instance?.name === step.name) return true;
      if (instance && !isTerminal(instance.status)) return false;
      client.start({ name: step.name, instanceId: id, input: JSON.stringify(step.input) });
      return true;
    case 'raise':
      if (step.seen !== undefined && hasSeen(JSON.parse(instance?.customStatus ?? 'null')) < step.seen) return false;
      return client.raiseEvent(id, step.event, JSON.stringify(step.data)) !== 'notFound';
    case 'terminate':
      return client.terminate(id, REASON.terminate) !== 'notFound';
    case 'suspend':
      return suspend(client, id);
    case 'resume':
      // A suspension that was asked for twice needs to be ended twice: so it looks on until the instance has ended.
      if (instance?.status === 'Suspended') client.resume(id, REASON.resume);
      return isTerminal(instance?.status ?? 'Pending');
    case 'rewind':
      if (instance?.status === 'Failed') client.rewind(id, REASON.rewind);
      return instance?.status === 'Completed';
    case 'restart':
      if (!instance || !isTerminal(instance.status)) return false;
      client.restart(id, { newId: false, version: undefined });
      return true;
    case 'purge':
      client.purge(id);
      return client.instance(id) === undefined;
  }
}

function suspend(client: EngineClient, id: string): boolean {
  try {
    return client.suspend(id, REASON.suspend) !== 'notFound';
  } catch (error) {
    if (error instanceof Refused) return true;
    throw error;
  }
}

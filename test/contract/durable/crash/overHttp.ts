/** A step, done over HTTP on a host that may be killed meanwhile. */
import { z } from 'zod';
import { type HostProcess, send } from '../hostProcess';
import { hasSeen, REASON, type Step } from './steps';

const statusSchema = z.object({ name: z.string(), runtimeStatus: z.string(), customStatus: z.unknown() });
const ENDED = ['Completed', 'Failed', 'Terminated'];

/** @returns false when it cannot be done yet. @throws when there is no answer, or one that nobody expects */
export async function performOverHttp(host: HostProcess, step: Step): Promise<boolean> {
  const id = encodeURIComponent(step.id);
  const query = `code=${host.keys.systemKeys.durabletask_extension}&restartWithNewInstanceId=false&reason=${encodeURIComponent(REASON[step.act] ?? '')}`;
  const ask = (method: string, path: string, body?: unknown) =>
    send(`${host.url}/runtime/webhooks/durabletask/${path}?${query}`, method, body);
  const found = await ask('GET', `instances/${id}`);
  const instance = found.status === 404 ? undefined : statusSchema.parse(found.json);
  const accepted = async (method: string, path: string, body: unknown, ...statuses: number[]): Promise<boolean> => {
    const { status, text } = await ask(method, path, body);
    if (status !== 404 && !statuses.includes(status)) throw new Error(`${path}: ${status} ${text}`);
    return status !== 404;
  };
  switch (step.act) {
    case 'start':
      if (instance?.name === step.name) return true;
      if (instance && !ENDED.includes(instance.runtimeStatus)) return false;
      return accepted('POST', `orchestrators/${step.name}/${id}`, step.input, 202);
    case 'raise':
      if (step.seen !== undefined && hasSeen(instance?.customStatus) < step.seen) return false;
      return accepted('POST', `instances/${id}/raiseEvent/${step.event}`, step.data, 202, 410);
    case 'terminate':
      return accepted('POST', `instances/${id}/terminate`, undefined, 202, 410);
    case 'suspend':
      // 500: it is suspended already.
      return accepted('POST', `instances/${id}/suspend`, undefined, 202, 410, 500);
    case 'resume':
      if (instance?.runtimeStatus === 'Suspended')
        await accepted('POST', `instances/${id}/resume`, undefined, 202, 410);
      return ENDED.includes(instance?.runtimeStatus ?? '');
    case 'rewind':
      if (instance?.runtimeStatus === 'Failed') await accepted('POST', `instances/${id}/rewind`, undefined, 202, 500);
      return instance?.runtimeStatus === 'Completed';
    case 'restart':
      if (!ENDED.includes(instance?.runtimeStatus ?? '')) return false;
      return accepted('POST', `instances/${id}/restart`, undefined, 202);
    case 'purge':
      if (instance) await accepted('DELETE', `instances/${id}`, undefined, 200);
      return !instance;
  }
}

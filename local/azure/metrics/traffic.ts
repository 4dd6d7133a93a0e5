import { z } from 'zod';
import { type Azure } from '../azure';
import { type Resource } from '../store/resources';

/** What a machine sends by itself each minute: its agent's reports. */
export const IDLE_BYTES_PER_MINUTE = 42_000;

const row = z.object({ since: z.number(), bytesPerMinute: z.number() });

const keyOf = ({ id, document }: Resource): string => `${id.toLowerCase()}|${String(document.properties['vmId'])}`;

/** From `since` on the machine sends this much, until the next such time. */
export function setTraffic(azure: Azure, vm: Resource, since: number, bytesPerMinute: number): void {
  azure.db.run('DELETE FROM traffic WHERE vm = ? AND since >= ?', keyOf(vm), since);
  azure.db.run('INSERT INTO traffic VALUES (?, ?, ?)', keyOf(vm), since, bytesPerMinute);
}

const rates = (azure: Azure, vm: Resource): z.infer<typeof row>[] =>
  azure.db.rows(row, 'SELECT since, bytesPerMinute FROM traffic WHERE vm = ? ORDER BY since', keyOf(vm));

/** How much it sent each minute when it last ran: a machine that collected goes on after a stop. */
export const lastRate = (azure: Azure, vm: Resource): number =>
  rates(azure, vm).findLast(({ bytesPerMinute }) => bytesPerMinute > 0)?.bytesPerMinute ?? IDLE_BYTES_PER_MINUTE;

/** Bytes that the machine sent between two times. */
export function bytesSent(azure: Azure, vm: Resource, from: number, to: number): number {
  const steps = rates(azure, vm);
  return steps.reduce((sum, { since, bytesPerMinute }, index) => {
    const start = Math.max(since, from);
    const end = Math.min(steps[index + 1]?.since ?? Infinity, to);
    return sum + (end > start ? ((end - start) / 60_000) * bytesPerMinute : 0);
  }, 0);
}

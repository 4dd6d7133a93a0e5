import { z } from 'zod';
import { type Azure } from '../azure';
import { type Resource } from '../store/resources';
import { getSetting, setSetting } from '../store/settings';

/** A program that plays a machine's inside: it is given the scripts that contain one of these texts, and says how they end. */
export const executor = z.strictObject({ url: z.url(), contains: z.array(z.string().min(1)).min(1) });

/** One at a time; the newest stands, over restarts too. */
export const registerExecutor = ({ db }: Azure, one: z.infer<typeof executor>): void =>
  setSetting(db, 'executor', JSON.stringify(one));

/** Who runs this script; undefined where a machine does so by itself. */
export function executorOf({ db }: Azure, script: string): string | undefined {
  const stored = getSetting(db, 'executor');
  const known = stored === undefined ? undefined : executor.parse(JSON.parse(stored));
  return known && known.contains.some((text) => script.includes(text)) ? known.url : undefined;
}

const execution = z.object({ stdout: z.string(), stderr: z.string(), exitCode: z.number().int() });

/** Has a script run there, and gives its end to `ended`. Where nobody answers, it runs until its time is over. */
export function execute(
  url: string,
  vm: Resource,
  script: string,
  environment: Readonly<Record<string, string>>,
  ended: (outcome: z.infer<typeof execution>) => void,
): void {
  const body = JSON.stringify({ vmId: vm.id, script, environment });
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    .then(async (answer) => ended(execution.parse(await answer.json())))
    .catch(() => undefined);
}

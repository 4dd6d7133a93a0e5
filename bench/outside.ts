/** What is seen of the host from outside its process: start, idle, long lists, memory. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { median, progress, time, type Scale } from './measure';
import { get, type HostProcess, startHost } from './processes';
import { type Row } from './report';
import { openEngine } from './engine';

export async function startUp(scratch: string, { rounds }: Scale): Promise<Row[]> {
  progress('start-up');
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const host = await startHost(join(scratch, 'startUp'));
    times.push(host.firstAnswer);
    await host.stop();
  }
  return [{ what: 'process start to first answer', unit: 'ms', ours: median(times), goal: 'about 1,000' }];
}

const IDLE_MS = 5_000;
const usageSchema = z.object({ cpu: z.object({ user: z.number(), system: z.number() }) });

/** With an instance that waits for a timer. */
export async function idle(scratch: string): Promise<Row[]> {
  progress(`idle for ${IDLE_MS / 1000} s`);
  const host = await startHost(join(scratch, 'idle'));
  await fetch(`${host.url}/api/start/sleeper`, { method: 'POST' });
  await sleep(1_000);
  const cpuMs = async (): Promise<number> => {
    const { cpu } = usageSchema.parse(await (await get(`${host.url}/api/usage`)).json());
    return (cpu.user + cpu.system) / 1000;
  };
  // The question itself costs a little; asking twice at once says how much.
  const question = -(await cpuMs()) + (await cpuMs());
  const before = await cpuMs();
  await sleep(IDLE_MS);
  const used = (await cpuMs()) - before - question;
  await host.stop();
  return [{ what: 'CPU used in 5 s of idling', unit: 'ms', ours: Math.max(0, used), goal: 'about 0' }];
}

const PAGES = 5;

/** Page by page through the webhooks' list of finished instances. */
export async function listing(scratch: string, { listed }: Scale): Promise<Row[]> {
  progress(`listing ${listed} instances`);
  const stateFolder = join(scratch, 'listing');
  // The host makes its state folder and its keys.
  await (await startHost(stateFolder)).stop();
  const engine = await openEngine(join(stateFolder, 'durable.db'));
  for (let done = 0; done < listed;) done += await engine.run('helloCities', 500);
  await engine.close();

  const host = await startHost(stateFolder);
  // The first time through warms the host up.
  await pageThrough(host);
  const { pages, seen } = await pageThrough(host);
  await host.stop();
  if (seen !== listed) throw new Error(`${listed} instances were to be listed, and ${seen} were.`);
  const [first, last] = [median(pages.slice(0, PAGES)), median(pages.slice(-PAGES - 1, -1))];
  const what = `list of ${listed.toLocaleString('en')}, a page of 100`;
  return [
    { what: `${what}: the first`, unit: 'ms', ours: first },
    { what: `${what}: the last`, unit: 'ms', ours: last, ratio: last / first, goal: '1: no slower at the end' },
  ];
}

async function pageThrough({ url, key }: HostProcess): Promise<{ pages: number[]; seen: number }> {
  const pages: number[] = [];
  let seen = 0;
  let token: string | null = null;
  do {
    const headers: Record<string, string> = token === null ? {} : { 'x-ms-continuation-token': token };
    const began = performance.now();
    const answer = await get(`${url}/runtime/webhooks/durabletask/instances?code=${key}`, headers);
    seen += z.array(z.unknown()).parse(await answer.json()).length;
    pages.push(performance.now() - began);
    token = answer.headers.get('x-ms-continuation-token');
  } while (token);
  return { pages, seen };
}

const lookSchema = z.object({ done: z.number(), rss: z.number(), heapUsed: z.number() });

export async function memory(scratch: string, { soak }: Scale): Promise<Row[]> {
  progress(`memory over ${soak} instances`);
  const looks: z.infer<typeof lookSchema>[] = [];
  const child = fork(join(__dirname, 'soak.js'), [join(scratch, 'soak.db'), String(soak)], {
    execArgv: ['--expose-gc'],
  });
  child.on('message', (message) => looks.push(lookSchema.parse(message)));
  const took = await time(
    () =>
      new Promise<void>((resolve, reject) =>
        child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error('The soak process failed.')))),
      ),
  );
  progress(`  ${Math.round((soak / took) * 1000)} instances/s`);
  const first = looks[0]?.heapUsed ?? NaN;
  return looks.flatMap(({ done, rss, heapUsed }) => [
    {
      what: `heap after ${done.toLocaleString('en')} instances`,
      unit: 'MB',
      ours: heapUsed / 2 ** 20,
      ratio: heapUsed / first,
      ...(done === soak && { goal: '1: flat' }),
    },
    { what: `resident set after ${done.toLocaleString('en')}`, unit: 'MB', ours: rss / 2 ** 20 },
  ]);
}

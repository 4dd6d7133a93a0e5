/** A host that runs featureApp, and the calls that its tests make. */
import { expect } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, type HostProcess, newFolder, send, startHostProcess, until } from './hostProcess';

export interface Features {
  readonly host: HostProcess;
  /** One request to the durable API, with the key. */
  readonly ask: (path: string, query?: string, method?: string, body?: unknown) => Promise<Answer>;
  /** Starts an instance, waits, and gives its output, or its whole status when it did not complete. */
  readonly run: (name: string, input?: unknown, id?: string) => Promise<unknown>;
  readonly start: (name: string, id: string, input?: unknown, query?: string) => Promise<void>;
  /** The status, once it is the one that is waited for. */
  readonly reaches: (id: string, status: string, query?: string) => Promise<Readonly<Record<string, unknown>>>;
  /** Resolves when the host has written such a text. */
  readonly says: (text: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export async function startFeatures(
  app = 'featureApp',
  env: Readonly<Record<string, string>> = {},
  stateFolder = newFolder(),
): Promise<Features> {
  const host = await startHostProcess(stateFolder, join(__dirname, app), env);
  const key = host.keys.systemKeys.durabletask_extension;
  const ask: Features['ask'] = (path, query = '', method = 'GET', body) =>
    send(`${host.url}/runtime/webhooks/durabletask/${path}?${query}&code=${key}`, method, body);
  return {
    host,
    ask,
    async run(name, input, id = '') {
      const answer = await ask(`orchestrators/${name}/${id}`, 'timeout=20&pollingInterval=0.01', 'POST', input);
      expect(answer.status).toBe(200);
      return answer.json;
    },
    async start(name, id, input, query) {
      expect((await ask(`orchestrators/${name}/${id}`, query, 'POST', input)).status).toBe(202);
    },
    async reaches(id, status, query) {
      // There may be none yet.
      const read = async () => ((await ask(`instances/${id}`, query)).json ?? {}) as Readonly<Record<string, unknown>>;
      return until(read, ({ runtimeStatus }) => runtimeStatus === status);
    },
    async says(text) {
      const read = async () => {
        await ask('instances/nobody');
        return host.output();
      };
      await until(read, (output) => output.includes(text));
    },
    async stop() {
      await host.stop('SIGKILL');
      rmSync(stateFolder, { recursive: true });
    },
  };
}

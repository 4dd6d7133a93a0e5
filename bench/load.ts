/** The client's side of the HTTP rows, in a process of its own: told how many, it starts them all at once and waits for the last. */
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { z } from 'zod';

const orderSchema = z.object({ url: z.string(), count: z.number() });
const endedSchema = z.object({ ended: z.number() });
/** Milliseconds from the first request to the answer that the last instance has ended. */
export const tookSchema = z.object({ took: z.number() });

const agent = new Agent({ keepAlive: true, maxSockets: 100 });

/** @throws for any status but 200 and 202 */
const send = (method: string, url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      const ok = response.statusCode === 200 || response.statusCode === 202;
      response.on('end', () => (ok ? resolve(text) : reject(new Error(`${url}: ${response.statusCode ?? 0} ${text}`))));
    });
    // Between rounds the server lets go of idle connections, now and then just as one is taken up again.
    asked.on('error', (error) => {
      if (asked.reusedSocket) void send(method, url).then(resolve, reject);
      else reject(error);
    });
    asked.end();
  });

async function batch({ url, count }: z.infer<typeof orderSchema>): Promise<number> {
  const { ended } = endedSchema.parse(JSON.parse(await send('GET', `${url}/api/ended/0`)));
  const began = performance.now();
  await Promise.all(Array.from({ length: count }, () => send('POST', `${url}/api/start/helloCities`)));
  await send('GET', `${url}/api/ended/${ended + count}`);
  return performance.now() - began;
}

process.on('message', (order) => {
  void batch(orderSchema.parse(order)).then(
    (took) => process.send?.({ took }),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

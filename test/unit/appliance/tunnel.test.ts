import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, jest, test } from '@jest/globals';
import { connectThrough } from '../../../src/appliance/tunnel';

let proxy: Server | undefined;
afterEach(async () => {
  jest.useRealTimers();
  await new Promise((resolve) => proxy?.close(resolve));
});

async function startProxy(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer(onConnection);
  proxy = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('bytes that come with the answer of the proxy belong to the stream', async () => {
  const url = await startProxy((socket) => {
    socket.once('data', (asked) => {
      expect(asked.toString()).toMatch(/^CONNECT \[2001:db8::4\]:22 HTTP\/1\.1\r\n/);
      socket.end('HTTP/1.1 200 OK\r\n\r\nSSH-2.0-early');
    });
  });
  const stream = await connectThrough(url)('2001:db8::4', 22);
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  expect(text).toBe('SSH-2.0-early');
});

test('a proxy that says nothing is given up after a minute', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  const url = await startProxy((socket) => socket.resume());
  const outcome = expect(connectThrough(url)('20.50.0.4', 22)).rejects.toThrow('no answer within 60 s');
  await jest.advanceTimersByTimeAsync(60_000);
  await outcome;
});

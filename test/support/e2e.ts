/** A whole world for a test: three processes on free ports, simulated time, and state in a folder that is removed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Administrator } from '../../local/administrator';
import { freePorts, type Ports } from '../../local/ports';
import { startWorld, type World, type WorldOptions } from '../../local/world';

export interface TestWorld extends World {
  readonly state: string;
  readonly ports: Ports;
  readonly administrator: Administrator;
  /** Calls the API with the operator's key. */
  api(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown): Promise<Response>;
}

const SPEED = 120;

export async function testWorld(options: Partial<WorldOptions> = {}): Promise<TestWorld> {
  const state = mkdtempSync(join(tmpdir(), 'sentry-e2e-'));
  const ports = await freePorts();
  const world = await startWorld({ state, speed: SPEED, ports, ...options });
  const api = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${world.hostUrl}/api/${path}`, {
      ...init,
      headers: { 'x-functions-key': world.keys.operator, 'content-type': 'application/json' },
    });
  return {
    ...world,
    state,
    ports,
    administrator: new Administrator(world),
    api,
    post: (path, body) => api(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
    stop: async () => {
      await world.stop();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** Between two looks at something that other processes are at work on: no pause, only a turn for everything else. */
export const nextLook = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

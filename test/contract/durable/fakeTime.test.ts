/** The host under fake timers: days of waiting cost no time. In a process of its own, for jest has its own modules and timers. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newFolder } from './hostProcess';

test('time jumps to the next timer whenever nothing runs', async () => {
  const state = newFolder();
  const args = [join(__dirname, 'fakeTimeDriver.js'), join(__dirname, 'crash/app'), state, 'longTimer'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } });
  // Ten days go in legs of three, and the last of four.
  expect(JSON.parse(stdout)).toMatchObject({
    runtimeStatus: 'Completed',
    output: 'ten days later',
    days: 10,
    jumps: 3,
  });
  rmSync(state, { recursive: true });
});

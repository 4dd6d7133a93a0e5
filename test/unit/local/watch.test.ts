import { afterAll, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepUpToDate } from '../../../local/watch';

const folder = mkdtempSync(join(tmpdir(), 'watch-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);

/** Hears what is said, and resolves at the first line that begins so. */
function ears() {
  let lines: string[] = [];
  let hear = (): void => undefined;
  return {
    say: (line: string): void => {
      lines.push(line);
      hear();
    },
    async heard(pattern: RegExp): Promise<void> {
      while (!lines.some((line) => pattern.test(line))) await new Promise<void>((resolve) => (hear = resolve));
      lines = [];
    },
  };
}

test('sources are compiled as they change; what does not compile, or does not start, is told of and no more', async () => {
  mkdirSync(join(folder, 'src'));
  mkdirSync(join(folder, 'profiles'));
  symlinkSync(join(__dirname, '../../../node_modules'), join(folder, 'node_modules'));
  write('tsconfig.build.json', '{"compilerOptions":{"outDir":"dist","rootDir":".","types":[]},"include":["src"]}');
  write('src/a.ts', 'export const a = 1;');
  const world = ears();
  let starts = 0;
  let doesStart = true;
  const restartHost = async (): Promise<void> => {
    if (!doesStart) throw new Error('The host process did not start.');
    starts++;
  };
  const stop = keepUpToDate(folder, { restartHost }, world.say);

  write('src/a.ts', 'export const a: string = 1;');
  await world.heard(/^src\/a\.ts\(1,14\): error TS2322: [^]+\nThat does not compile: the host goes on/);
  expect(starts).toBe(0);
  write('src/a.ts', 'export const a: number = 2;');
  await world.heard(/^The host runs\.$/);
  expect(starts).toBe(1);
  write('profiles/mine.json', '{}');
  await world.heard(/^The host runs\.$/);
  expect(starts).toBe(2);
  doesStart = false;
  write('host.json', '{}');
  await world.heard(/^The host process did not start\.\nIt is tried again at the next change\.$/);
  await stop();
});

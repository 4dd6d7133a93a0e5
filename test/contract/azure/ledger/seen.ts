import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { answer, type SeenAnswer } from './record';

/** Every answer that a run of the tests wrote down in a folder. */
export const seenIn = (folder: string): SeenAnswer[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => answer.parse(JSON.parse(line)));

/**
 * `npm run bench:host`: how fast the local host is, beside an in-memory engine measured in the same run. The figures
 * of one run compare with each other; those of two runs, or of two machines, do not.
 */
import { Command } from 'commander';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { fanOut, naps } from './fanOut';
import { hello } from './hello';
import { idle, listing, memory, startUp } from './outside';
import { type Scale } from './measure';
import { report, type Row, runToEnd } from './report';

const WHOLE: Scale = { rounds: 5, soak: 100_000, listed: 10_000, slowPeer: true };
const QUICK: Scale = { rounds: 3, soak: 10_000, listed: 2_000, slowPeer: false };

async function main(): Promise<void> {
  const command = new Command('bench:host')
    .description('Measures the local host beside the in-memory engine of @microsoft/durabletask-js.')
    .option('--json', 'write the figures as JSON', false)
    .option('--quick', 'fewer rounds and instances, and no row on which the peer takes long', false)
    .parse();
  const { json, quick } = z.object({ json: z.boolean(), quick: z.boolean() }).parse(command.opts());
  const scale = quick ? QUICK : WHOLE;
  const scratch = mkdtempSync(join(tmpdir(), 'bench-'));
  const rows: Row[] = [];
  try {
    for (const part of [hello, fanOut, naps, startUp, idle, listing, memory])
      rows.push(...(await part(scratch, scale)));
  } finally {
    rmSync(scratch, { recursive: true });
  }
  report(rows, { json, quick });
}

runToEnd(main);

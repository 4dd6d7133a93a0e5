/** Runs lines as a person pastes them into bash, with an `az` that asks the simulated Graph. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { TestWorld } from './e2e';

const token = z.looseObject({ access_token: z.string() });

/** What an earlier attempt gave is there already: the CLI says so, and the next line is run all the same. */
const ALREADY_THERE = /already exists/;

/** Throws with what the lines complain of. @param who a principal of the tenant, by name */
export async function paste(world: TestWorld, who: string, lines: readonly string[]): Promise<void> {
  const { GRAPH_ENDPOINT = '', AZURE_TENANT_ID, NODE_EXTRA_CA_CERTS } = world.environment;
  const asked = await world.askAzure('/_simulator/token', { principal: who, resource: GRAPH_ENDPOINT });
  const folder = mkdtempSync(join(tmpdir(), 'sentry-az-'));
  const az = join(folder, 'az');
  writeFileSync(az, `#!/bin/sh\nexec '${process.execPath}' '${join(__dirname, 'playedAz.mjs')}' "$@"\n`);
  chmodSync(az, 0o700);
  const env = {
    PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`,
    GRAPH_URL: GRAPH_ENDPOINT,
    GRAPH_TOKEN: token.parse(asked).access_token,
    TENANT_ID: AZURE_TENANT_ID,
    NODE_EXTRA_CA_CERTS,
  };
  // Started by a socket bash would read the settings of whoever runs the tests.
  const options = ['--norc', '--noprofile', '-uc'];
  try {
    const { stderr } = await promisify(execFile)('bash', [...options, `${lines.join('\n')}\ntrue`], { env });
    const complaints = stderr.split('\n').filter((line) => line !== '' && !ALREADY_THERE.test(line));
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

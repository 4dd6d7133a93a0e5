import { expect, test } from '@jest/globals';
import type { UnattendedJob } from '../../../src/activities/contracts';
import { makeRunUnattended } from '../../../src/activities/runUnattended';
import { unattendedScript } from '../../../src/appliance/unattended';
import type { Azure } from '../../../src/azure/ports';
import { script } from '../../support/requests';

const job: UnattendedJob = {
  script,
  answers: {},
  registrationUri: 'https://vault/secrets/registration/1',
  id: '/vm/runCommands/sentry-setup',
  location: 'westeurope',
  deployment: 'prod-sentry',
  attempt: 'a-1',
  again: false,
};
const PIN = '479113';
/** Of the shape of Azure's own: it keeps the last 4,096 bytes. */
const kept = (text: string): string => Buffer.from(text).subarray(-4_096).toString();

/** What the run command that ended so comes to. */
function endOf(end: { readonly output?: string; readonly error?: string; readonly exitCode: number }) {
  const { output = '', error = '', exitCode } = end;
  const shown = {
    tags: { 'sentry-attempt': 'a-1' },
    state: exitCode === 0 ? 'Succeeded' : 'Failed',
    exitCode,
    output: kept(output),
    error: kept(error),
  };
  const azure = {
    runCommands: { get: async () => shown },
    secrets: { get: async () => ({ value: JSON.stringify({ email: 'a@contoso.example', pin: PIN }) }) },
  } as unknown as Azure;
  return makeRunUnattended(azure, unattendedScript)(job);
}
const stopped = (said: object) => ({ kind: 'ended', result: { kind: 'stopped', code: 'ScriptFailed', ...said } });

test('bug: a script that ended well was run again with the same PIN, because it spoke of one configured before', async () => {
  const output =
    'Settings of a previously configured Sentry: none.\nEmail address: PIN: Added 3 of 3 subscriptions.\nConfiguration complete\n';
  expect(await endOf({ output, exitCode: 0 })).toEqual({ kind: 'ended', result: { kind: 'configured' } });
});

test('one that took another answer for a “no” to that question ends well too, and has changed nothing', async () => {
  const output =
    'This Sentry is already configured. Configure it again? (Y/N): Configuration complete. Nothing was changed.\n';
  expect(await endOf({ output, exitCode: 0 })).toEqual({ kind: 'otherwise', again: true });
});

test('one that asked as of one that was set up before is run once more the other way', async () => {
  const asked = 'This Sentry is already configured. Configure it again? (Y/N): ';
  const otherwise = { kind: 'otherwise', again: true };
  expect(await endOf({ output: asked, exitCode: 1 })).toEqual(otherwise);
  // The question stands in what is left, though the beginning is gone.
  const long = `${'Loading modules.\n'.repeat(400)}${asked}`;
  expect(await endOf({ output: long, exitCode: 1 })).toEqual(otherwise);
});

test.each(['', '\n'])(
  'bug: of one line longer than Azure keeps all or nothing was shown, half a PIN too (%j)',
  async (end) => {
    const said = `busy, no route to the console${end}`;
    // Azure cuts within the PIN: its last four digits are the first that is left.
    const output = `${PIN} ${'busy '.repeat(900).slice(0, 4_096 - 5 - said.length)}${said}`;
    const answer = await endOf({ output, exitCode: 1 });
    expect(answer).toMatchObject(stopped({ transcript: expect.stringMatching(/^busy .*no route to the console\n?$/) }));
    expect(JSON.stringify(answer)).not.toContain(PIN.slice(2));
  },
);

test('bug: whether it was set up before cannot be read off an end without its beginning, and nothing said so', async () => {
  const answer = await endOf({ output: `${'Loading modules.\n'.repeat(400)}Invalid choice\n`, exitCode: 1 });
  expect(answer).toMatchObject(
    stopped({
      remedy: expect.stringMatching(
        /^Azure kept only the last 4096 bytes .*set up before.*configuration ssh or manual/,
      ),
    }),
  );
});

test('bug: the remedy pointed to a transcript that was empty', async () => {
  expect(await endOf({ exitCode: 1 })).toMatchObject(
    stopped({ transcript: '', remedy: expect.not.stringContaining('transcript says') }),
  );
});

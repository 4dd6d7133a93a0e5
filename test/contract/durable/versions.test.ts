/** Versions of orchestrations: who gets which, and what becomes of those that an app may not run. */
import { expect, test } from '@jest/globals';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Features, startFeatures } from './features.support';
import { newFolder, runToEnd, send } from './hostProcess';

async function withApp(app: string, use: (features: Features) => Promise<void>): Promise<void> {
  const features = await startFeatures(`versionApp/${app}`);
  try {
    await use(features);
  } finally {
    await features.stop();
  }
}

test('instances and children get the default version, or the one that is asked for', () =>
  withApp('one', async ({ ask, run, host, reaches }) => {
    expect(await run('version')).toBe('1.0');
    const older = await ask('orchestrators/version/', 'version=0.3&timeout=10&pollingInterval=0.01', 'POST');
    expect(older.json).toBe('0.3');
    await send(`${host.url}/api/start/version`, 'POST', { instanceId: 'client', version: '0.4' });
    expect(await reaches('client', 'Completed')).toMatchObject({ output: '0.4' });
    expect(await run('children', null, 'children')).toEqual({ byDefault: '1.0', own: '0.5', retried: '0.7 at try 2' });
    const { historyEvents } = await reaches('children', 'Completed', 'showHistory=true');
    expect(historyEvents).toHaveLength(8);
    expect(await run('continues', { round: 0, seen: [] })).toEqual(['1.0', '1.0', '1.0']);
  }));

test('without a default there is no version, and one with a version counts as newer', () =>
  withApp('none', async ({ run, start, ask, reaches, says }) => {
    expect(await run('version')).toBe('');
    await start('waits', 'newer', 1, 'version=0.1');
    await says("newer waits: it has version '0.1', and this app's is not set");
    expect((await reaches('newer', 'Pending'))['output']).toBeNull();
    expect((await ask('instances/newer/terminate', 'reason=enough', 'POST')).status).toBe(202);
    await reaches('newer', 'Terminated');
  }));

test('an older app leaves newer instances alone, and a newer one takes them up', async () => {
  const stateFolder = newFolder();
  const turn = async (app: string, use: (features: Features) => Promise<void>): Promise<void> => {
    const features = await startFeatures(`versionApp/${app}`, {}, stateFolder);
    await use(features);
    await features.host.stop('SIGKILL');
  };
  await turn('two', async ({ start, reaches }) => {
    await start('waits', 'two');
    await start('waits', 'one', null, 'version=1.0');
    await reaches('two', 'Running');
    await reaches('one', 'Running');
  });
  await turn('one', async ({ ask, reaches, says }) => {
    for (const id of ['one', 'two']) {
      expect((await ask(`instances/${id}/raiseEvent/Go`, '', 'POST', id)).status).toBe(202);
    }
    expect(await reaches('one', 'Completed')).toMatchObject({ output: { event: 'one', version: '1.0' } });
    await says("two waits: it has version '2.0', and this app's is '1.0'");
    expect((await reaches('two', 'Running'))['output']).toBeNull();
  });
  await turn('two', async ({ reaches }) => {
    expect(await reaches('two', 'Completed')).toMatchObject({ output: { event: 'two', version: '2.0' } });
  });
  rmSync(stateFolder, { recursive: true });
});

test('Strict and Fail: another version, older or newer, fails at once, and a parent can catch it', () =>
  withApp('strict', async ({ run, ask, reaches }) => {
    expect(await run('version')).toBe('1.0');
    for (const version of ['0.9', '1.0.0', '2.0']) {
      const answer = await ask('orchestrators/version/', `version=${version}&timeout=10&pollingInterval=0.01`, 'POST');
      expect(answer.json).toMatchObject({
        runtimeStatus: 'Failed',
        output: 'VersionMismatch: Orchestration version did not comply with Worker Versioning',
      });
    }
    expect(await run('childOfOther')).toEqual({
      message: 'VersionMismatch: Orchestration version did not comply with Worker Versioning',
      type: 'VersionMismatch',
    });
    const { historyEvents } = await reaches('other-child', 'Failed', 'showHistory=true&showHistoryOutput=true');
    expect(historyEvents).toMatchObject([
      { EventType: 'ExecutionStarted' },
      {
        EventType: 'ExecutionCompleted',
        Result: null,
        FailureDetails: { ErrorType: 'VersionMismatch', IsNonRetriable: true },
      },
    ]);
  }));

test('a strategy that does not exist is said at the start', async () => {
  const folder = newFolder();
  mkdirSync(join(folder, 'app'));
  const durableTask = { versionMatchStrategy: 'Loose' };
  writeFileSync(join(folder, 'app', 'host.json'), JSON.stringify({ extensions: { durableTask } }));
  const { code, output } = await runToEnd([join(folder, 'app'), '--port', '0', '--state', join(folder, 'state')]);
  expect(code).toBe(1);
  expect(output).toContain('versionMatchStrategy');
  rmSync(folder, { recursive: true });
});

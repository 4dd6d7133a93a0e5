/** Rewind and restart (contract 7.3). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Features, startFeatures } from './features.support';

let features: Features;
beforeAll(async () => {
  features = await startFeatures();
});
afterAll(() => features.stop());

/** A file that makes activities fail for as long as it is there. */
function breakSteps(name: string): { broken: string; mend: () => void } {
  const broken = join(features.host.stateFolder, name);
  writeFileSync(broken, '');
  return { broken, mend: () => rmSync(broken) };
}
const operate = (id: string, operation: string, query = '') =>
  features.ask(`instances/${id}/${operation}`, query, 'POST');

describe('rewind', () => {
  test('runs what failed again, under its old number, and keeps what succeeded', async () => {
    const { broken, mend } = breakSteps('rw1');
    expect(await features.run('rewindable', { name: 'rw1', broken }, 'rw1')).toMatchObject({ runtimeStatus: 'Failed' });
    mend();
    expect((await operate('rw1', 'rewind', 'reason=fix')).status).toBe(202);
    const { output, historyEvents } = await features.reaches(
      'rw1',
      'Completed',
      'showHistory=true&showHistoryOutput=true',
    );
    expect(output).toEqual(['rw1-first 1', 'rw1-second 2', 'rw1-third 1']);
    const time = expect.any(String);
    expect(historyEvents).toMatchObject([
      { EventType: 'ExecutionStarted' },
      { EventType: 'TaskCompleted', Result: 'rw1-first 1' },
      { EventType: 'GenericEvent', Data: null, Timestamp: time },
      { EventType: 'GenericEvent', Data: null, Timestamp: time },
      { EventType: 'GenericEvent', Data: null, Timestamp: time },
      { EventType: 'GenericEvent', Data: 'fix', Timestamp: time },
      { EventType: 'TaskCompleted', Result: 'rw1-second 2' },
      { EventType: 'TaskCompleted', Result: 'rw1-third 1' },
      { EventType: 'ExecutionCompleted' },
    ]);
  });

  test('an instance that fails again can be rewound again', async () => {
    const { broken, mend } = breakSteps('rw2');
    await features.run('rewindable', { name: 'rw2', broken }, 'rw2');
    await operate('rw2', 'rewind', 'reason=hope');
    await features.reaches('rw2', 'Failed');
    mend();
    await operate('rw2', 'rewind', 'reason=fix');
    expect(await features.reaches('rw2', 'Completed')).toMatchObject({
      output: ['rw2-first 1', 'rw2-second 3', 'rw2-third 1'],
    });
  });

  test('failed children are rewound, not started anew', async () => {
    const { broken, mend } = breakSteps('rw3');
    await features.run('rewindParent', { name: 'rw3', broken }, 'rw3');
    mend();
    expect((await operate('rw3', 'rewind', 'reason=fix')).status).toBe(202);
    const done = (part: string, seconds: number) => [
      `rw3-${part}-first 1`,
      `rw3-${part}-second ${seconds}`,
      `rw3-${part}-third 1`,
    ];
    expect(await features.reaches('rw3', 'Completed')).toMatchObject({
      output: [done('good', 1), [done('a', 2), done('b', 2)]],
    });
  });

  test('a child that is gone is started anew', async () => {
    const { broken, mend } = breakSteps('rw4');
    await features.run('rewindParent', { name: 'rw4', broken }, 'rw4');
    mend();
    await features.ask('instances/rw4-a', '', 'DELETE');
    await operate('rw4', 'rewind', 'reason=fix');
    const done = (part: string, first: number, second: number) => [
      `rw4-${part}-first ${first}`,
      `rw4-${part}-second ${second}`,
      `rw4-${part}-third 1`,
    ];
    expect(await features.reaches('rw4', 'Completed')).toMatchObject({
      output: [done('good', 1, 1), [done('a', 2, 2), done('b', 1, 2)]],
    });
  });

  test('exhausted retries begin anew; a healed retry and a caught failure stay as they were', async () => {
    const { broken, mend } = breakSteps('rw5');
    await features.run('rewindRetried', { name: 'rw5', broken, healing: broken }, 'rw5');
    await features.reaches('rw5', 'Failed');
    mend();
    await operate('rw5', 'rewind', 'reason=fix');
    expect(await features.reaches('rw5', 'Completed')).toMatchObject({
      output: [2, 'rw5-instead 1', ['rw5-1 3', 'rw5-2 3'], 'rw5-last 1'],
    });
  });

  test('what cannot be rewound', async () => {
    await features.run('simple', 1, 'rw6');
    await features.start('waits', 'rw7');
    expect((await operate('rw6', 'rewind')).status).toBe(410);
    expect((await operate('nobody', 'rewind')).status).toBe(404);
    const running = await operate('rw7', 'rewind');
    expect(running).toMatchObject({
      status: 500,
      json: {
        Message: 'Something went wrong while processing your request',
        ExceptionMessage: 'The rewind operation is only supported on failed orchestration instances.',
        ExceptionType: 'System.InvalidOperationException',
      },
    });
  });
});

describe('restart', () => {
  test('under a new id, which is the default, also while the instance runs', async () => {
    await features.start('waits', 're1', { a: 1 });
    await features.reaches('re1', 'Running');
    for (const query of ['', 'restartWithNewInstanceId=true']) {
      const { status, json, headers } = await operate('re1', 'restart', query);
      const { id } = json as { id: string };
      expect([status, headers.get('Retry-After')]).toEqual([202, '10']);
      expect(id).toMatch(/^[0-9a-f]{32}$/);
      expect(headers.get('Location')).toContain(`/instances/${id}?`);
      expect(await features.reaches(id, 'Running')).toMatchObject({ name: 'waits', input: { a: 1 } });
    }
  });

  test('in place of the instance itself', async () => {
    await features.run('simple', 'again', 're2');
    const [before] = [await features.reaches('re2', 'Completed', 'showHistory=true')];
    expect(await operate('re2', 'restart', 'restartWithNewInstanceId=False')).toMatchObject({
      status: 202,
      json: { id: 're2' },
    });
    const after = await features.reaches('re2', 'Completed', 'showHistory=true');
    expect(after).toMatchObject({ output: 'again', input: 'again' });
    expect(after['historyEvents']).not.toEqual(before['historyEvents']);
  });

  test('and waits for the end where that is asked for', async () => {
    await features.run('simple', 'again', 're3');
    const { status, json } = await operate('re3', 'restart', 'timeout=10&pollingInterval=0.01');
    expect([status, json]).toEqual([200, 'again']);
  });

  test('what cannot be restarted', async () => {
    await features.start('waits', 're4');
    await features.reaches('re4', 'Running');
    expect(await operate('re4', 'restart', 'restartWithNewInstanceId=false')).toMatchObject({
      status: 500,
      json: { ExceptionMessage: 'An Orchestration instance with the status Running already exists.' },
    });
    expect(await operate('nobody', 'restart')).toMatchObject({
      status: 400,
      json: {
        Message: 'InstanceId does not match a valid orchestration instance.',
        ExceptionMessage: 'An orchestrastion with the instanceId nobody was not found.',
        ExceptionType: 'System.ArgumentException',
      },
    });
  });
});

/* eslint require-yield: off -- an orchestrator is a generator also where it waits for nothing */
const { setTimeout: sleep } = require('node:timers/promises');
const df = require('durable-functions');

const orchestration = (name, handler) => df.app.orchestration(name, handler);
const activity = (name, handler) => df.app.activity(name, { handler });
const retry = (first, attempts) => new df.RetryOptions(first, attempts);
const later = (context, ms) => new Date(context.df.currentUtcDateTime.getTime() + ms);

// ---- activities
activity('hello', (name) => `Hello, ${name}!`);
activity('square', (n) => n * n);
activity('typ', (value) => ({ t: typeof value, v: value === undefined ? '<undefined>' : value }));
activity(
  'ret',
  (kind) => ({ nothing: undefined, none: null, text: '42', json: '{"a":1}', yes: true, list: [1] })[kind],
);
activity('fail', (kind) => {
  throw { error: new Error('boom'), text: 'a string', object: { a: 1 }, empty: new Error('') }[kind];
});
activity('throwsNothing', () => {
  throw undefined;
});
const seen = new Map();
activity('flaky', ({ key, fails }) => {
  seen.set(key, (seen.get(key) ?? 0) + 1);
  if (seen.get(key) <= fails) throw new Error(`failure ${seen.get(key)}`);
  return seen.get(key);
});
let atOnce = 0;
let most = 0;
activity('crowd', async () => {
  most = Math.max(most, ++atOnce);
  await sleep(20);
  atOnce -= 1;
  return most;
});

// ---- orchestrators
orchestration('helloCities', function* (context) {
  const answers = [];
  for (const city of ['Tokyo', 'Seattle', 'Cairo']) answers.push(yield context.df.callActivity('hello', city));
  return answers;
});
orchestration('input', function* (context) {
  const input = context.df.getInput();
  return { t: typeof input, v: input === undefined ? '<undefined>' : input };
});
orchestration('types', function* (context) {
  const answers = {};
  for (const [name, value] of Object.entries({
    text: '123',
    json: '{"a":1}',
    none: null,
    no: false,
    list: [1, 'a'],
    empty: '',
  })) {
    answers[name] = yield context.df.callActivity('typ', value);
  }
  for (const kind of ['nothing', 'none', 'text', 'json', 'yes', 'list']) {
    answers[`ret ${kind}`] = yield context.df.callActivity('ret', kind);
  }
  answers.sub = yield context.df.callSubOrchestrator('input', 'abc');
  answers.subNone = yield context.df.callSubOrchestrator('input');
  return answers;
});
orchestration('fan', function* (context) {
  const numbers = Array.from({ length: context.df.getInput() }, (_, n) => n);
  const squares = yield context.df.Task.all(numbers.map((n) => context.df.callActivity('square', n)));
  return squares.reduce((sum, square) => sum + square, 0);
});
orchestration('failures', function* (context) {
  const texts = {};
  for (const kind of ['error', 'text', 'object', 'empty']) {
    try {
      yield context.df.callActivity('fail', kind);
    } catch (error) {
      texts[kind] = `${error.name}: ${error.message.split(' \n ')[0]}`;
    }
  }
  texts.nothing = yield context.df.callActivity('throwsNothing');
  return texts;
});
orchestration('fails', function* (context) {
  return yield context.df.callActivity('fail', 'error');
});
orchestration('throws', function* () {
  throw new Error('orchestrator threw');
});
orchestration('throwsText', function* () {
  throw 'text';
});
orchestration('unknown', function* (context) {
  const { EntityId } = df;
  const texts = [];
  for (const ask of [
    () => context.df.callActivity('nobody'),
    () => context.df.callSubOrchestrator('nobody'),
    () => context.df.callEntity(new EntityId('nobody', 'k'), 'get'),
    () => context.df.callSubOrchestrator('input', 1, context.df.instanceId),
    () => context.df.callHttp({ method: 'GET', url: 'http://127.0.0.1:9' }),
  ]) {
    try {
      texts.push(yield ask());
    } catch (error) {
      texts.push(error.message.split(' \n ')[0]);
    }
  }
  return texts;
});
orchestration('retries', function* (context) {
  const key = context.df.instanceId;
  const healed = yield context.df.callActivityWithRetry('flaky', retry(20, 3), { key, fails: 2 });
  try {
    yield context.df.callActivityWithRetry('flaky', retry(20, 2), { key: `${key}!`, fails: 9 });
  } catch (error) {
    const child = yield context.df.callSubOrchestratorWithRetry(
      'flakyChild',
      retry(20, 3),
      { key: `${key}c`, fails: 1 },
      `${key}-kid`,
    );
    return { healed, text: error.message.split(' \n ')[0], child };
  }
});
orchestration('flakyChild', function* (context) {
  return yield context.df.callActivity('flaky', context.df.getInput());
});
orchestration('timers', function* (context) {
  const started = context.df.currentUtcDateTime.getTime();
  yield context.df.createTimer(later(context, 120));
  const early = context.df.currentUtcDateTime.getTime() - started < 120;
  const task = context.df.callActivity('hello', 'fast');
  const timer = context.df.createTimer(later(context, 60_000));
  const winner = yield context.df.Task.any([task, timer]);
  timer.cancel();
  return { early, winner: winner === task ? task.result : 'timer' };
});
orchestration('longTimer', function* (context) {
  yield context.df.createTimer(later(context, 10 * 86_400_000));
});
orchestration('waiter', function* (context) {
  const got = yield context.df.waitForExternalEvent('Go');
  return { got };
});
orchestration('lateWaiter', function* (context) {
  yield context.df.waitForExternalEvent('First');
  return yield context.df.Task.all([context.df.waitForExternalEvent('Go'), context.df.callActivity('square', 3)]);
});
orchestration('nested', function* (context) {
  const [a, b] = [context.df.callActivity('square', 2), context.df.callActivity('square', 3)];
  const event = context.df.waitForExternalEvent('Never');
  const first = yield context.df.Task.any([event, context.df.Task.all([a, b])]);
  return first.result;
});
orchestration('replays', function* (context) {
  const flags = [context.df.isReplaying];
  yield context.df.callActivity('square', 1);
  flags.push(context.df.isReplaying);
  yield context.df.callActivity('square', 1);
  return [...flags, context.df.isReplaying];
});
orchestration('rounds', function* (context) {
  const { round, seen } = context.df.getInput();
  context.df.setCustomStatus({ round });
  const timer = context.df.createTimer(later(context, 60_000));
  const event = context.df.waitForExternalEvent('Go');
  yield context.df.Task.any([event, timer]);
  timer.cancel();
  const all = [...seen, event.result];
  if (round === 3) return all;
  context.df.continueAsNew({ round: round + 1, seen: all });
});
orchestration('continueText', function* (context) {
  const input = context.df.getInput();
  if (input !== 'a') return input;
  context.df.continueAsNew('b');
});
orchestration('status', function* (context) {
  context.df.setCustomStatus({ step: 1 });
  yield context.df.waitForExternalEvent('Go');
});
orchestration('bigStatus', function* (context) {
  context.df.setCustomStatus('x'.repeat(9000));
});
orchestration('parent', function* (context) {
  const child = yield context.df.callSubOrchestrator('named', { n: 1 });
  const named = yield context.df.callSubOrchestrator('named', { n: 2 }, `${context.df.instanceId}:kid`);
  return { child, named };
});
orchestration('named', function* (context) {
  return { id: context.df.instanceId, parent: context.df.parentInstanceId, input: context.df.getInput() };
});
orchestration('catchesChild', function* (context) {
  try {
    yield context.df.callSubOrchestrator('waiter', null, `${context.df.instanceId}-kid`);
  } catch (error) {
    return error.message;
  }
});
let drifted = false;
orchestration('drifts', function* (context) {
  yield context.df.callActivity(drifted ? 'square' : 'hello', 1);
  yield context.df.waitForExternalEvent('Go');
  yield context.df.callActivity('square', 2);
});
activity('setDrift', (value) => {
  drifted = value;
});
orchestration('drift', function* (context) {
  yield context.df.callActivity('setDrift', context.df.getInput());
});
orchestration('entityUser', function* (context) {
  const id = new df.EntityId('counter', context.df.getInput());
  context.df.signalEntity(id, 'add', 5);
  const before = yield context.df.callEntity(id, 'get');
  yield context.df.callEntity(id, 'add', 10);
  const after = yield context.df.callEntity(id, 'get');
  try {
    yield context.df.callEntity(id, 'fail');
  } catch (error) {
    return { before, after, error: error.message };
  }
});
orchestration('entityOrder', function* (context) {
  const id = new df.EntityId('journal', context.df.instanceId);
  for (let n = 0; n < 30; n++) context.df.signalEntity(id, 'add', n);
  return yield context.df.callEntity(id, 'get');
});
orchestration('crowds', function* (context) {
  const most = yield context.df.Task.all(Array.from({ length: 30 }, () => context.df.callActivity('crowd')));
  return Math.max(...most);
});
// ---- entities
df.app.entity('counter', {
  handler: (context) => {
    const now = context.df.getState(() => 0);
    switch (context.df.operationName) {
      case 'add':
        return context.df.setState(now + context.df.getInput());
      case 'get':
        return context.df.return(now);
      case 'delete':
        return context.df.destructOnExit();
      case 'pass':
        return context.df.signalEntity(new df.EntityId('counter', context.df.getInput()), 'add', now);
      default:
        throw new Error('unknown operation');
    }
  },
});
df.app.entity('journal', {
  handler: (context) => {
    const lines = context.df.getState(() => []);
    if (context.df.operationName === 'get') context.df.return(lines);
    else context.df.setState([...lines, context.df.getInput()]);
  },
});

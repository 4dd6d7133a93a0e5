const df = require('durable-functions');

/** Files that exist make an activity of that name fail. */
const { existsSync } = require('node:fs');
const ran = new Map();
df.app.activity('step', {
  handler: ({ name, broken }) => {
    ran.set(name, (ran.get(name) ?? 0) + 1);
    if (broken && existsSync(broken)) throw new Error(`${name} is broken`);
    return `${name} ${ran.get(name)}`;
  },
});

df.app.orchestration('rewindable', function* (context) {
  const { name, broken } = context.df.getInput();
  const step = (part, file) => context.df.callActivity('step', { name: `${name}-${part}`, broken: file });
  const first = yield step('first');
  return [first, yield step('second', broken), yield step('third')];
});
df.app.orchestration('rewindParent', function* (context) {
  const { name, broken } = context.df.getInput();
  const child = (part) =>
    context.df.callSubOrchestrator('rewindable', { name: `${name}-${part}`, broken }, `${name}-${part}`);
  const good = yield context.df.callSubOrchestrator('rewindable', { name: `${name}-good` });
  const both = yield context.df.Task.all([child('a'), child('b')]);
  return [good, both];
});
/** What a rewind must leave alone: a retry that healed, and a failure that was caught. */
df.app.orchestration('rewindRetried', function* (context) {
  const { name, broken, healing } = context.df.getInput();
  const retry = new df.RetryOptions(10, 2);
  const step = (part, file) => ({ name: `${name}-${part}`, broken: file });
  const healed = yield context.df.callActivityWithRetry('heals', retry, { name, healing });
  let caught = '';
  try {
    yield context.df.callActivity('step', step('caught', healing));
  } catch {
    caught = yield context.df.callActivity('step', step('instead'));
  }
  const all = [1, 2].map((n) => context.df.callActivityWithRetry('step', retry, step(n, broken)));
  return [healed, caught, yield context.df.Task.all(all), yield context.df.callActivity('step', step('last'))];
});
df.app.activity('heals', {
  handler: ({ name }) => {
    ran.set(`${name}-heals`, (ran.get(`${name}-heals`) ?? 0) + 1);
    if (ran.get(`${name}-heals`) === 1) throw new Error('not yet');
    return ran.get(`${name}-heals`);
  },
});
df.app.orchestration('simple', function* (context) {
  yield context.df.callActivity('note', 1);
  return context.df.getInput();
});
df.app.orchestration('waits', function* (context) {
  return yield context.df.waitForExternalEvent('Go');
});

/** Entities with all that an app may do to them, and orchestrations that use them. */
const { setTimeout: sleep } = require('node:timers/promises');
const { app } = require('@azure/functions');
const df = require('durable-functions');

const account = (key) => new df.EntityId('account', key);
const later = (context, ms) => new Date(context.df.currentUtcDateTime.getTime() + ms);

// ---- entities
df.app.entity('account', ({ df: entity }) => {
  const state = entity.getState(() => 0);
  if (entity.operationName === 'add') entity.setState(state + entity.getInput());
  else if (entity.operationName === 'delete') entity.destructOnExit();
  else entity.return(state);
});
df.app.entity('odd', ({ df: entity }) => {
  switch (entity.operationName) {
    case 'two':
      entity.return(1);
      return entity.return(2);
    case 'changeAndThrow':
      entity.setState('changed');
      entity.signalEntity(account('odd'), 'add', 7);
      throw new Error('no');
    case 'big':
      return entity.setState('x'.repeat(5_000_000));
    case 'countdown':
      entity.setState([...entity.getState(() => []), entity.getInput()]);
      if (entity.getInput() > 1) entity.signalEntity(entity.entityId, 'countdown', entity.getInput() - 1);
      return entity.signalEntity(new df.EntityId('nobody', 'k'), 'x', 1);
    case 'falsy':
      return entity.setState(entity.getInput());
    case 'when':
      return entity.setState({ due: entity.getInput(), now: Date.now() });
    default:
      return entity.return(entity.getState(() => 'none'));
  }
});
/** Entities without the library, which see their batch and answer as they like. */
const raw = (name, handler) => app.generic(name, { trigger: { type: 'entityTrigger', name: 'batch' }, handler });
const ok = (result) => ({ isError: false, duration: 0, startTime: 0, result: JSON.stringify(result) });
raw('batches', ({ batch, state }) => {
  const sizes = [...JSON.parse(state ?? '[]'), batch.length];
  return { results: batch.map(() => ok(sizes)), signals: [], entityExists: true, entityState: JSON.stringify(sizes) };
});
raw('rubbish', () => 'rubbish');
raw('short', () => ({ results: [], signals: [], entityExists: true, entityState: '1' }));
raw('broken', () => {
  throw new Error('cannot be loaded');
});

// ---- orchestrations
df.app.activity('pause', { handler: (ms) => sleep(ms) });
df.app.orchestration('transfer', function* (context) {
  const { from, to, amount, rounds } = context.df.getInput();
  for (let round = 0; round < rounds; round++) {
    const lock = yield context.df.lock(account(from), account(to));
    const [a, b] = yield context.df.Task.all([
      context.df.callEntity(account(from), 'get'),
      context.df.callEntity(account(to), 'get'),
    ]);
    yield context.df.callActivity('pause', 2);
    yield context.df.callEntity(account(from), 'add', -amount);
    yield context.df.callEntity(account(to), 'add', amount);
    const after = yield context.df.Task.all([
      context.df.callEntity(account(from), 'get'),
      context.df.callEntity(account(to), 'get'),
    ]);
    lock.release();
    if (after[0] !== a - amount || after[1] !== b + amount) return { a, b, after };
  }
  return 'alone';
});
df.app.orchestration('holder', function* (context) {
  const [first, ...more] = context.df.getInput().map(account);
  const lock = yield context.df.lock(first, ...more);
  context.df.setCustomStatus('locked');
  const how = yield context.df.waitForExternalEvent('Go');
  if (how === 'delete') yield context.df.callEntity(first, 'delete');
  if (how === 'throw') throw new Error('on purpose');
  if (how === 'nested') yield context.df.lock(account('another'));
  if (how === 'stranger') yield context.df.callEntity(account('another'), 'get');
  if (how === 'release' || how === 'delete') {
    lock.release();
    yield context.df.waitForExternalEvent('End');
  }
});
df.app.orchestration('call', function* (context) {
  const { name, key, operations } = context.df.getInput();
  const entity = new df.EntityId(name, key);
  try {
    return yield context.df.Task.all(operations.map((operation) => context.df.callEntity(entity, operation)));
  } catch (error) {
    return error.message;
  }
});
df.app.orchestration('signals', function* (context) {
  const entity = new df.EntityId('batches', context.df.instanceId);
  for (let n = 0; n < 10; n++) context.df.signalEntity(entity, 'x', n);
  return yield context.df.callEntity(entity, 'x');
});
/** The library has no scheduled signals; the protocol has. */
df.app.orchestration('schedule', function* (context) {
  const fireAt = later(context, context.df.getInput());
  const action = {
    actionType: 10,
    instanceId: `@odd@${context.df.instanceId}`,
    operation: 'when',
    input: +fireAt,
    fireAt,
  };
  context.df.taskOrchestratorExecutor.recordFireAndForgetAction(action);
  yield context.df.callActivity('pause', 0);
});

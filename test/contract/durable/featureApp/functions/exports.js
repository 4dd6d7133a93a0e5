const df = require('durable-functions');
const { app } = require('@azure/functions');

// ---- functions that are called by what their registration gave back
const say = df.app.activity('say', { handler: (text) => `said ${text}` });
const child = df.app.orchestration('exportChild', function* (context) {
  return yield say(`${context.df.getInput()} below`);
});
/** An activity by the trigger alone. */
app.generic('byTrigger', { trigger: df.trigger.activity(), handler: (n) => n + 1 });

df.app.orchestration('registered', function* () {
  const retry = new df.RetryOptions(5, 3);
  return [
    yield say('once'),
    yield say('again').withRetry(retry),
    yield child('child', 'registered-kid'),
    yield child('child').withRetry(retry),
  ];
});
df.app.orchestration('context', function* (context) {
  const { df: durable } = context;
  const guids = [durable.newGuid('a'), durable.newGuid('a')];
  const before = durable.currentUtcDateTime;
  const next = yield durable.callActivity('byTrigger', 1);
  const slow = durable.createTimer(new Date(durable.currentUtcDateTime.getTime() + 60_000));
  const task = durable.callActivity('byTrigger', 2);
  const failing = durable.callActivity('plain');
  const winner = yield durable.Task.any([slow, task]);
  slow.cancel();
  const lost = yield durable.Task.any([failing]);
  return {
    next,
    same: guids[0] !== guids[1] && /^[0-9a-f-]{36}$/.test(guids[0]),
    later: durable.currentUtcDateTime > before,
    winner: [winner === task, winner.isCompleted, winner.isFaulted, winner.result],
    lost: [lost === failing, lost.isCompleted, lost.isFaulted],
    timer: [slow.isCanceled, slow.isCompleted],
    guids: guids.length,
    locked: durable.isLocked().isLocked,
    parent: durable.parentInstanceId,
    instanceId: durable.instanceId,
    function: context.functionName,
  };
});
df.app.orchestration('retryOptions', function* (context) {
  const retry = new df.RetryOptions(10, 4);
  retry.backoffCoefficient = 3;
  retry.maxRetryIntervalInMilliseconds = 40;
  retry.retryTimeoutInMilliseconds = 60_000;
  const started = context.df.currentUtcDateTime.getTime();
  try {
    yield context.df.callActivityWithRetry('plain', retry);
  } catch {
    // 10, 30, and 40 in the place of 90
    return context.df.currentUtcDateTime.getTime() - started >= 80;
  }
});

// ---- entities
df.app.entity('self', (context) => {
  const { entityName, entityKey, entityId, operationName, isNewlyConstructed } = context.df;
  context.df.return({ entityName, entityKey, entityId, operationName, isNewlyConstructed });
  context.df.setState({ seen: true });
});
df.app.orchestration('asksEntity', function* (context) {
  const id = new df.EntityId('self', 'K');
  return { id: id.toString(), first: yield context.df.callEntity(id, 'who') };
});

// ---- clients
df.app.client.http('clientHttp', {
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: async (request, client) => {
    const id = await client.startNew('exportChild', { instanceId: 'byClientHttp', input: 'x' });
    const done = await client.waitForCompletionOrCreateCheckStatusResponse(request, id, {
      timeoutInMilliseconds: 9_000,
      retryIntervalInMilliseconds: 20,
    });
    const status = await client.getStatus(id, { showHistory: true, showHistoryOutput: true, showInput: true });
    const payload = client.createHttpManagementPayload(id);
    const future = {
      createdTimeFrom: new Date(Date.now() + 86_400_000),
      runtimeStatus: [df.OrchestrationRuntimeStatus.Completed],
    };
    const none = await client.purgeInstanceHistoryBy(future);
    const entity = new df.EntityId('keeper', 'exports');
    await client.signalEntity(entity, 'keep', 'kept');
    const unknown = await client.readEntityState(new df.EntityId('keeper', 'nobody'));
    return {
      jsonBody: {
        done: [done.status, await done.json()],
        status: [
          status.constructor.name,
          status.runtimeStatus,
          status.input,
          status.output,
          status.createdTime instanceof Date,
        ],
        payload: Object.keys(payload).sort(),
        none: none.instancesDeleted,
        unknown: unknown.entityExists,
        isState: unknown instanceof df.EntityStateResponse,
      },
    };
  },
});
df.app.client.timer('clientTimer', {
  schedule: '0 0 5 1 1 *',
  handler: (timer, client) => client.startNew('exportChild', { instanceId: 'byTimer', input: 'timer' }),
});
df.app.client.eventGrid('clientGrid', {
  handler: (event, client) => client.startNew('exportChild', { instanceId: event.id, input: 'grid' }),
});

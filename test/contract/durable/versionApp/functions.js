/* eslint require-yield: off -- an orchestrator is a generator also where it waits for nothing */
const { app } = require('@azure/functions');
const df = require('durable-functions');

df.app.orchestration('version', function* (context) {
  return context.df.version;
});
df.app.orchestration('waits', function* (context) {
  const event = yield context.df.waitForExternalEvent('Go');
  return { event, version: context.df.version };
});
df.app.orchestration('continues', function* (context) {
  const { round, seen } = context.df.getInput();
  if (round === 2) return [...seen, context.df.version];
  context.df.continueAsNew({ round: round + 1, seen: [...seen, context.df.version] });
});
let tries = 0;
df.app.orchestration('failsFirst', function* (context) {
  if (context.df.getInput() === 'reset') return (tries = 0);
  tries += 1;
  if (tries === 1) throw new Error('once');
  return `${context.df.version} at try ${tries}`;
});
df.app.orchestration('children', function* (context) {
  const retry = new df.RetryOptions(5, 2);
  return {
    byDefault: yield context.df.callSubOrchestrator('version'),
    own: yield context.df.callSubOrchestrator('version', null, undefined, '0.5'),
    retried: yield context.df.callSubOrchestratorWithRetry('failsFirst', retry, null, undefined, '0.7'),
  };
});
df.app.orchestration('childOfOther', function* (context) {
  try {
    yield context.df.callSubOrchestratorWithRetry('version', new df.RetryOptions(5, 3), null, 'other-child', '9.9');
  } catch (error) {
    return { message: error.message, type: error.failureDetails.errorType };
  }
});
app.http('start', {
  methods: ['POST'],
  authLevel: 'anonymous',
  route: 'start/{name}',
  extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const options = await request.json();
    return { jsonBody: await df.getClient(context).startNew(request.params.name, options) };
  },
});

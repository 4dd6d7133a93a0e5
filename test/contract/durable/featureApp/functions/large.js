const { app } = require('@azure/functions');
const df = require('durable-functions');

df.app.activity('double', { handler: (text) => text + text });
df.app.orchestration('large', function* (context) {
  const { text, round } = context.df.getInput();
  if (round === 0) {
    context.df.continueAsNew({ text, round: 1 });
    return;
  }
  const id = new df.EntityId('keeper', context.df.instanceId);
  yield context.df.callEntity(id, 'keep', text);
  const sizes = {
    input: text.length,
    activity: (yield context.df.callActivity('double', text)).length,
    child: (yield context.df.callSubOrchestrator('echo', text)).length,
    entity: (yield context.df.callEntity(id, 'get')).length,
    event: (yield context.df.waitForExternalEvent('Go')).length,
  };
  return { sizes, text };
});
df.app.orchestration('largeStatus', function* (context) {
  context.df.setCustomStatus('x'.repeat(context.df.getInput()));
  yield context.df.callActivity('note', 1);
});
// eslint-disable-next-line require-yield -- an orchestrator is a generator also where it waits for nothing
df.app.orchestration('echo', function* (context) {
  return context.df.getInput();
});
df.app.entity('keeper', {
  handler: (context) => {
    if (context.df.operationName === 'get') context.df.return(context.df.getState(() => ''));
    else context.df.setState(context.df.getInput());
  },
});
/** The app's own client: it makes the payload, and says how much came back. */
app.http('largeByClient', {
  methods: ['POST'],
  authLevel: 'anonymous',
  extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const { id, length } = await request.json();
    const client = df.getClient(context);
    const text = 'é'.repeat(length);
    await client.startNew('large', { instanceId: id, input: { text, round: 0 } });
    await client.raiseEvent(id, 'Go', text);
    await client.waitForCompletionOrCreateCheckStatusResponse(request, id, {
      timeoutInMilliseconds: 30_000,
      retryIntervalInMilliseconds: 1000,
    });
    const { output, input } = await client.getStatus(id);
    return { jsonBody: { sizes: output.sizes, output: output.text.length, input: input.text.length } };
  },
});

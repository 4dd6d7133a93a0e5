const { app } = require('@azure/functions');

const facts = { events: [], ticks: [], runs: 0, hooks: [] };

app.eventGrid('onEvent', {
  handler: (event, context) => {
    if (event.subject === 'bad') throw new Error('cannot take it');
    facts.events.push({ id: event.id, type: event.eventType ?? event.type, metadata: context.triggerMetadata });
  },
});
app.timer('tick', { schedule: '%TICK%', handler: (timer) => void facts.ticks.push(timer) });
app.timer('byHand', { schedule: '0 0 3 1 1 *', handler: () => void facts.runs++ });
app.http('facts', { authLevel: 'anonymous', handler: () => ({ jsonBody: facts }) });
app.http('logs', {
  authLevel: 'anonymous',
  handler: (_, context) => {
    context.log('said by the app');
    return { body: 'logged' };
  },
});

app.hook.appStart(() => void facts.hooks.push('appStart'));
app.hook.appTerminate(() => void process.stderr.write('appTerminate ran\n'));
app.hook.preInvocation((context) => {
  if (context.invocationContext.functionName === 'open') facts.hooks.push('preInvocation');
});
app.hook.postInvocation((context) => {
  if (context.invocationContext.functionName === 'open') context.result = { body: 'changed by the hook' };
});
app.hook.log((context) => {
  if (context.message === 'said by the app') context.message = 'said by the hook';
});

const df = require('durable-functions');

df.app.activity('note', { handler: (text) => `noted ${text}` });

/** Calls what its input says, and then an activity: the numbers of both must fit. */
df.app.orchestration('http', function* (context) {
  const { resource, ...options } = context.df.getInput();
  const tokenSource = resource && new df.ManagedIdentityTokenSource(resource);
  try {
    const response = yield context.df.callHttp({ ...options, tokenSource });
    return { response, after: yield context.df.callActivity('note', response.statusCode) };
  } catch (error) {
    return error.message.split(' \n ')[0];
  }
});
df.app.orchestration('httpBeside', function* (context) {
  const { calls, note } = context.df.getInput();
  const tasks = calls.map((options) => context.df.callHttp(options));
  if (note) tasks.push(context.df.callActivity('note', 'beside'));
  const answers = yield context.df.Task.all(tasks);
  return answers.map((answer) => answer.content ?? answer);
});
/** A polled call against a timer: on Azure, cancelling the timer gives the next task the number of a poll. */
df.app.orchestration('httpRace', function* (context) {
  const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 60_000));
  const call = context.df.callHttp(context.df.getInput());
  yield context.df.Task.any([call, timer]);
  timer.cancel();
  return [call.result.content, yield context.df.callActivity('note', 'after')];
});

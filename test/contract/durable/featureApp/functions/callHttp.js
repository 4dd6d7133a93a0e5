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

const df = require('durable-functions');

class BusinessError extends Error {
  name = 'BusinessError';
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}
df.app.setExceptionPropertiesProvider({
  getExceptionProperties: (error) => (error instanceof BusinessError ? { code: error.code, none: null } : undefined),
});

let attempts = 0;
df.app.activity('business', {
  handler: (code) => {
    attempts += 1;
    throw new BusinessError('no money', code);
  },
});
df.app.activity('attempts', { handler: () => attempts });
df.app.activity('plain', {
  handler: () => {
    throw new Error('{"message":"the own JSON of the app"}');
  },
});
/** What the library of another language may send: an inner failure, and that it is of no use to try again. */
df.app.activity('final', {
  handler: () => {
    attempts += 1;
    const innerFailure = { errorType: 'Cause', errorMessage: 'deep', isNonRetriable: false };
    const failure = { errorType: 'Final', errorMessage: 'no use', isNonRetriable: true, properties: { a: 1 } };
    throw new Error(JSON.stringify({ ...failure, stackTrace: 'at x', innerFailure }));
  },
});

const describe = (error) => ({
  name: error.name,
  message: error.message.split(' \n ')[0],
  task: error.taskName,
  id: error.taskId,
  isTaskFailedError: error instanceof df.TaskFailedError,
  details: error.failureDetails,
  causedBy:
    error.failureDetails && ['BusinessError', 'Cause', 'Other'].filter((type) => error.failureDetails.isCausedBy(type)),
});
df.app.orchestration('catches', function* (context) {
  const { activity, child } = context.df.getInput();
  try {
    yield child ? context.df.callSubOrchestrator('failsWith', 'business') : context.df.callActivity(activity, 7);
  } catch (error) {
    return describe(error);
  }
});
df.app.orchestration('failsWith', function* (context) {
  yield context.df.callActivity(context.df.getInput(), 7);
});
df.app.orchestration('failsBelow', function* (context) {
  yield context.df.callSubOrchestrator('failsWith', context.df.getInput());
});
df.app.orchestration('retriesFailure', function* (context) {
  const before = yield context.df.callActivity('attempts');
  try {
    yield context.df.callActivityWithRetry(context.df.getInput(), new df.RetryOptions(5, 3), 7);
  } catch (error) {
    const after = yield context.df.callActivity('attempts');
    return { attempts: after - before, ...describe(error) };
  }
});

/** Structured failures: what an exception properties provider adds, up to where the app and the API see it (contract 4.3). */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Features, startFeatures } from './features.support';

let features: Features;
beforeAll(async () => {
  features = await startFeatures();
});
afterAll(() => features.stop());

const stack = expect.stringMatching(/^BusinessError: no money\n {4}at /);
const caught = {
  name: 'TaskFailedError',
  message: 'BusinessError: no money',
  isTaskFailedError: true,
  causedBy: ['BusinessError'],
  details: {
    errorType: 'BusinessError',
    errorMessage: 'no money',
    isNonRetriable: false,
    properties: { code: 7, none: null },
    stackTrace: stack,
  },
};
const inHistory = {
  ErrorType: 'BusinessError',
  ErrorMessage: 'no money',
  StackTrace: stack,
  InnerFailure: null,
  IsNonRetriable: false,
  Properties: { code: 7, none: null },
};

test('an activity: the app gets the details', async () => {
  expect(await features.run('catches', { activity: 'business' })).toEqual({ ...caught, task: 'business', id: 0 });
});

test('a sub-orchestration hands them on', async () => {
  expect(await features.run('catches', { child: true })).toEqual({ ...caught, task: 'failsWith', id: 0 });
});

test('an inner failure is kept', async () => {
  expect(await features.run('catches', { activity: 'final' })).toMatchObject({
    message: 'Final: no use',
    causedBy: ['Cause'],
    details: {
      errorType: 'Final',
      stackTrace: 'at x',
      isNonRetriable: true,
      properties: { a: 1 },
      innerFailure: { errorType: 'Cause', errorMessage: 'deep' },
    },
  });
});

test('an error that the provider says nothing of is as ever, also one with JSON of its own', async () => {
  expect(await features.run('catches', { activity: 'plain' })).toEqual({
    name: 'Error',
    message: 'Activity function \'plain\' failed:  {"message":"the own JSON of the app"}',
    isTaskFailedError: false,
  });
});

test('status and history of instances that fail with it', async () => {
  expect(await features.run('failsBelow', 'business', 'below')).toMatchObject({
    runtimeStatus: 'Failed',
    output: 'BusinessError: no money',
  });
  const { historyEvents } = await features.reaches('below', 'Failed', 'showHistory=true&showHistoryOutput=true');
  const reason = "Orchestrator function 'failsWith' failed: BusinessError: no money";
  expect(historyEvents).toMatchObject([
    { EventType: 'ExecutionStarted' },
    { EventType: 'SubOrchestrationInstanceFailed', Reason: reason, FailureDetails: inHistory },
    {
      EventType: 'ExecutionCompleted',
      Result: "Orchestrator function 'failsBelow' failed: BusinessError: no money",
      FailureDetails: inHistory,
    },
  ]);
});

test('a retried task is tried as often as it says, but not where trying is of no use', async () => {
  expect(await features.run('retriesFailure', 'business')).toMatchObject({ attempts: 3, ...caught });
  expect(await features.run('retriesFailure', 'final')).toMatchObject({
    attempts: 1,
    message: 'Final: no use',
    causedBy: ['Cause'],
  });
});

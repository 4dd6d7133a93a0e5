/** The app that is measured. peer.ts says the same to the engine that it is compared with. */
const { setTimeout: sleep } = require('node:timers/promises');
const { app } = require('@azure/functions');
const df = require('durable-functions');

df.app.activity('hello', { handler: (city) => `Hello, ${city}!` });
df.app.activity('nap', { handler: (ms) => sleep(ms) });

/** Answers go out one in each round of the event loop, as many activities as may be waiting. */
const waiting = [];
const drip = () => {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(drip);
};
df.app.activity('drip', {
  handler: (n) =>
    new Promise((resolve) => {
      if (waiting.push(() => resolve(n)) === 1) setImmediate(drip);
    }),
});

let ended = 0;
df.app.orchestration('helloCities', function* (context) {
  const answers = [];
  for (const city of ['Tokyo', 'Seattle', 'Cairo']) answers.push(yield context.df.callActivity('hello', city));
  return answers;
});
const fanOut = (activity, inputs) =>
  function* (context) {
    const answers = yield context.df.Task.all(inputs(context).map((one) => context.df.callActivity(activity, one)));
    return answers.length;
  };
df.app.orchestration(
  'drips',
  fanOut('drip', (context) => Array.from({ length: context.df.getInput() }, (_, n) => n)),
);
df.app.orchestration(
  'naps',
  fanOut('nap', (context) => Array.from({ length: context.df.getInput() }, () => 100)),
);

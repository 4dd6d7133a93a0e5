/** The app that is measured. What the peer runs instead is in peer.ts. */
const { setImmediate } = require('node:timers');
const { setTimeout: sleep } = require('node:timers/promises');
const { app } = require('@azure/functions');
const df = require('durable-functions');

df.app.activity('hello', { handler: (city) => `Hello, ${city}!` });
df.app.activity('nap', { handler: (ms) => sleep(ms) });

/** Answers go out one in each round of the event loop, however many activities run. */
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

/** How many have said hello, so that a client learns of the last with one request. */
let ended = 0;
let watchers = [];
const end = () => {
  ended += 1;
  const ready = watchers.filter(({ from }) => from <= ended);
  watchers = watchers.filter(({ from }) => from > ended);
  for (const { resolve } of ready) resolve();
};

df.app.orchestration('helloCities', function* (context) {
  const answers = [];
  for (const city of ['Tokyo', 'Seattle', 'Cairo']) answers.push(yield context.df.callActivity('hello', city));
  end();
  return answers;
});
const fanOut = (activity, inputs) =>
  function* (context) {
    const tasks = inputs(context.df.getInput()).map((input) => context.df.callActivity(activity, input));
    const answers = yield context.df.Task.all(tasks);
    return answers.length;
  };
df.app.orchestration(
  'drips',
  fanOut('drip', (count) => Array.from({ length: count }, (_, n) => n)),
);
df.app.orchestration(
  'naps',
  fanOut('nap', (count) => Array(count).fill(100)),
);
df.app.orchestration('sleeper', function* (context) {
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 3_600_000));
});

app.http('start', {
  methods: ['POST'],
  route: 'start/{name}',
  extraInputs: [df.input.durableClient()],
  handler: async (request, context) => ({
    status: 202,
    jsonBody: { id: await df.getClient(context).startNew(request.params.name) },
  }),
});
/** Answers once `from` instances have said hello. */
app.http('ended', {
  methods: ['GET'],
  route: 'ended/{from}',
  handler: async (request) => {
    const from = Number(request.params.from);
    if (ended < from) await new Promise((resolve) => watchers.push({ from, resolve }));
    return { jsonBody: { ended } };
  },
});
app.http('usage', {
  methods: ['GET'],
  handler: () => ({ jsonBody: { cpu: process.cpuUsage(), ended } }),
});

/** The features as an app, for a host that is really killed. Its outside world keeps its memory in a folder. */
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const df = require('durable-functions');
const { ACTIVITIES, ENTITIES, ORCHESTRATORS } = require('../features.ts');

const outside = {
  now: () => Date.now(),
  until: (at) => sleep(Math.max(0, at - Date.now())),
  endOf(key, ms) {
    const file = join(process.env.CRASH_WORLD, key);
    try {
      writeFileSync(file, String(Date.now() + ms), { flag: 'wx' });
    } catch {
      // It has begun before.
    }
    return Number(readFileSync(file, 'utf8'));
  },
};
for (const [name, handler] of Object.entries(ORCHESTRATORS)) df.app.orchestration(name, handler);
for (const [name, handler] of Object.entries(ENTITIES)) df.app.entity(name, { handler });
for (const [name, handler] of Object.entries(ACTIVITIES)) {
  df.app.activity(name, { handler: (input) => handler(input, outside) });
}

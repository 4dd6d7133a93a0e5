/**
 * Runs the host under fake timers, in a process of its own: `node fakeTimeDriver.js <app> <state folder> <orchestrator>`.
 * Whenever nothing runs, time jumps to the next timer that is due. Prints what has become of the orchestration.
 */
const FakeTimers = require('@sinonjs/fake-timers');
const { request } = require('node:http');
const { performance } = require('node:perf_hooks');
const { startHost } = require('../../../dist/local/host/startHost.js');

const [folder, stateFolder, orchestrator] = process.argv.slice(2);
const realNow = performance.now.bind(performance);

// Time stands still between jumps; what only puts off work to the next round of the event loop stays real.
const clock = FakeTimers.install({
  now: Date.parse('2026-01-01T00:00:00Z'),
  toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
});

const ask = (method, url) =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve(JSON.parse(text)));
    });
    asked.on('error', reject).end();
  });

async function main() {
  const host = await startHost({ folder, stateFolder, port: 0, log: () => undefined });
  const [wallStart, start] = [realNow(), Date.now()];
  const code = host.keys.systemKeys.durabletask_extension;
  const { statusQueryGetUri } = await ask(
    'POST',
    `${host.url}/runtime/webhooks/durabletask/orchestrators/${orchestrator}?code=${code}`,
  );
  let jumps = 0;
  for (; ; jumps++) {
    await host.idle();
    if (clock.countTimers() === 0) break;
    await clock.nextAsync();
  }
  const [days, wallMs] = [(Date.now() - start) / 86_400_000, Math.round(realNow() - wallStart)];
  const { runtimeStatus, output } = await ask('GET', statusQueryGetUri);
  console.log(JSON.stringify({ runtimeStatus, output, days, jumps, wallMs }));
  await host.close();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

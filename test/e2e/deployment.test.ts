/** The whole on this machine, over its API alone: three processes, real HTTP, real SDKs, a real SSH session. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { getJson } from '../../local/world';
import { nextLook, type TestWorld, testWorld } from '../support/e2e';
import { requestBody, subscriptionId, subscriptionIds } from '../support/requests';

let world: TestWorld;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.stop());

const ids = (...list: string[]) => ({ include: [{ kind: 'ids', ids: list }] });
/** Each deployment of these tests has its own group and names, so that none meets another's resources. */
const named = (name: string, changes: object) => {
  const body = requestBody(changes);
  const tenantId = world.environment['AZURE_TENANT_ID'];
  const placement = { ...(body['placement'] as object), resourceGroup: name };
  return { ...body, tenantId, name, placement, names: { application: `${name}-app` } };
};
const problem = z.looseObject({
  code: z.string(),
  errors: z.array(z.looseObject({ pointer: z.string() })).default([]),
});
const page = z.looseObject({
  value: z.array(z.looseObject({ subscriptionId: z.string(), state: z.string(), remedy: z.string().optional() })),
  nextLink: z.string().optional(),
});
const deploy = async (name: string, changes: object) => {
  await world.administrator.start(named(name, changes));
  return world.administrator.seeThrough(name, () => undefined);
};
const windowsOf = async (name: string) => {
  const rows = z.array(z.looseObject({ networkSecurityGroupId: z.string(), closedAt: z.unknown().optional() }));
  return rows
    .parse(await world.askAzure('/_simulator/windows'))
    .filter((row) => row.networkSecurityGroupId.includes(`/${name}/`));
};

/** Everything that is kept or said: SQLite files, logs, state. */
const filesUnder = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });

/** Made once, by whichever test comes first. */
const wholes = new Map<string, ReturnType<typeof deploy>>();
function whole(kind: 'managedIdentity' | 'appRegistration'): ReturnType<typeof deploy> {
  const subscriptions = ids(...subscriptionIds(12));
  const made =
    wholes.get(kind) ??
    deploy(`whole-${kind.toLowerCase()}`, { identity: { kind }, subscriptions, controller: { enabled: true } });
  wholes.set(kind, made);
  return made;
}

describe('a deployment', () => {
  test.each(['managedIdentity', 'appRegistration'] as const)(
    'with %s ends completed, every window proven closed',
    async (kind) => {
      const name = `whole-${kind.toLowerCase()}`;
      const shown = await whole(kind);
      expect(shown).toMatchObject({
        state: 'completed',
        runtimeStatus: 'Completed',
        subscriptions: { total: 12, granted: 12, proven: 12, setAside: 0 },
      });
      expect(shown.sentries.flatMap(({ receipts }) => receipts)).toMatchObject([{ why: 'closed', provenClosed: true }]);
      // What Azure itself saw: the port was open once, and is closed.
      const windows = await windowsOf(name);
      expect(windows).toHaveLength(1);
      expect(windows[0]?.closedAt).not.toBeNull();
    },
  );

  test('started again with the same request is the same run, then changes nothing and opens no window', async () => {
    const changes = { subscriptions: ids(subscriptionId(20)) };
    const starts = await Promise.all([1, 2].map(() => world.post('deployments', named('again', changes))));
    expect(starts.map(({ status }) => status)).toEqual([202, 202]);
    await world.administrator.seeThrough('again', () => undefined);
    const shown = await deploy('again', changes);
    expect(shown.state).toBe('completed');
    expect(shown.sentries.flatMap(({ resources }) => resources.map(({ change }) => change))).toEqual(
      Array(8).fill('kept'),
    );
    expect(await windowsOf('again')).toHaveLength(1);
  });

  test('answers the start as Durable does, and the status URL follows the asynchronous HTTP pattern', async () => {
    const started = await world.post('deployments', named('poller', { subscriptions: ids(subscriptionId(30)) }));
    expect(started.status).toBe(202);
    const body = z.looseObject({ id: z.string(), statusQueryGetUri: z.string() }).parse(await started.json());
    expect(started.headers.get('location')).toBe(body.statusQueryGetUri);
    expect((await fetch(body.statusQueryGetUri)).status).toBe(202);
    const running = await world.api('deployments/poller');
    expect([running.status, running.headers.get('retry-after')]).toEqual([202, '5']);
    const other = await world.post('deployments', named('poller', { subscriptions: ids(subscriptionId(31)) }));
    expect(other.status).toBe(409);
    expect(problem.parse(await other.json()).code).toBe('DeploymentRunning');
    await world.administrator.seeThrough('poller', () => undefined);
    const rested = await world.api('deployments/poller');
    expect(rested.status).toBe(200);
    expect(rested.headers.get('etag')).toMatch(/^"[0-9a-f]{16}"$/);
    expect((await fetch(body.statusQueryGetUri)).status).toBe(200);
  });

  test('terminated while it waits for the PIN and started again: the old window closes, and a new one is used', async () => {
    const body = named('terminated', { subscriptions: ids(subscriptionId(32)) });
    const started = await world.post('deployments', body);
    const { terminatePostUri } = z.looseObject({ terminatePostUri: z.string() }).parse(await started.json());
    while (!(await world.administrator.read('terminated')).sentries.some(({ handoff }) => handoff)) await nextLook();
    expect((await fetch(terminatePostUri.replace('{text}', 'test'), { method: 'POST' })).status).toBe(202);
    while ((await world.administrator.read('terminated')).state === 'running') await nextLook();
    await world.administrator.start(body);
    const shown = await world.administrator.seeThrough('terminated', () => undefined);
    expect(shown.state).toBe('completed');
    const windows = await windowsOf('terminated');
    expect(windows).toHaveLength(2);
    expect(windows.every(({ closedAt }) => closedAt !== null)).toBe(true);
  });

  test.each(['terminated', 'purged'])(
    '%s and left so: its handoffs are closed at once, and its window within minutes',
    async (how) => {
      const name = `left-${how}`;
      const started = await world.post('deployments', named(name, { subscriptions: ids(subscriptionId(35)) }));
      const { terminatePostUri, purgeHistoryDeleteUri } = z
        .looseObject({ terminatePostUri: z.string(), purgeHistoryDeleteUri: z.string() })
        .parse(await started.json());
      const sentry = async () => (await world.administrator.read(name)).sentries[0];
      for (let asked = await sentry(); asked?.handoff?.kind !== 'registration'; asked = await sentry()) {
        if (asked?.handoff?.kind === 'presence')
          await world.post(`deployments/${name}/handoffs/presence-1`, { done: true });
      }
      expect((await fetch(terminatePostUri.replace('{text}', 'test'), { method: 'POST' })).status).toBe(202);
      while ((await world.administrator.read(name)).state === 'running') await nextLook();
      if (how === 'purged') expect((await fetch(purgeHistoryDeleteUri, { method: 'DELETE' })).status).toBe(200);

      expect((await sentry())?.handoff).toBeNull();
      for (const [path, body] of [
        ['sentries/1/registration', { email: 'a@example.com', pin: '123456' }],
        ['handoffs/registration-1', { declined: 'too late' }],
      ] as const) {
        const answer = await world.post(`deployments/${name}/${path}`, body);
        // On a busy machine the window may be closed by now, and nothing asked for any more.
        const code = expect.stringMatching(/^(RunEnded|NotAwaited)$/);
        expect([answer.status, problem.parse(await answer.json()).code]).toEqual([409, code]);
      }
      while ((await sentry())?.receipts.length !== 1) await nextLook();
      const { receipts = [] } = (await sentry()) ?? {};
      expect(receipts).toMatchObject([{ why: 'abandoned', provenClosed: true, problems: [] }]);
      const minutesOpen = (Date.parse(receipts[0]?.closedAt ?? '') - Date.parse(receipts[0]?.openedAt ?? '')) / 60_000;
      expect(minutesOpen).toBeLessThan(30);
      expect((await windowsOf(name)).map(({ closedAt }) => closedAt !== null)).toEqual([true]);
      while ((await sentry())?.stage !== 'stopped') await nextLook();
      expect((await sentry())?.stopped).toMatchObject({ code: 'RunEnded' });
    },
  );

  test('the controller disabled takes back its roles, and those alone', async () => {
    const changes = { subscriptions: ids(subscriptionId(33)), identity: { kind: 'managedIdentity' } };
    await deploy('controller', { ...changes, controller: { enabled: true } });
    const asked = z.object({ byOperation: z.record(z.string(), z.number()) });
    const removals = async () =>
      asked.parse(await world.askAzure('/_simulator/requests')).byOperation['DELETE roleAssignments'] ?? 0;
    const before = await removals();
    const shown = await deploy('controller', { ...changes, controller: { enabled: false } });
    expect(shown).toMatchObject({ state: 'completed', subscriptions: { granted: 1 } });
    expect(await removals()).toBe(before + 1);
  });

  test('a query parameter that is not known starts nothing', async () => {
    const answer = await world.post(
      'deployments?verbose=true',
      named('dry', { subscriptions: ids(subscriptionId(34)) }),
    );
    expect(answer.status).toBe(400);
    expect((await world.api('deployments/dry')).status).toBe(404);
  });

  test('sets aside what does not exist or may not be touched, with the command that mends it', async () => {
    const [missing, isolated] = ['5b000000-0000-4000-8fff-000000000001', '5b000000-0000-4000-9000-000000000001'];
    const shown = await deploy('exceptions', { subscriptions: ids(subscriptionId(1), missing, isolated) });
    expect(shown).toMatchObject({ state: 'completedWithExceptions', subscriptions: { granted: 1, setAside: 2 } });
    const { value } = page.parse(await (await world.api('deployments/exceptions/subscriptions?state=setAside')).json());
    expect(value.map((row) => row.subscriptionId).sort()).toEqual([missing, isolated].sort());
    for (const row of value) expect(row.remedy).toMatch(/az (role assignment create|account list)/);
  });

  test('takes back its grant from a subscription that the request no longer lists', async () => {
    await deploy('smaller', { subscriptions: ids(subscriptionId(40), subscriptionId(41)) });
    const shown = await deploy('smaller', { subscriptions: ids(subscriptionId(40)) });
    expect(shown.subscriptions).toEqual({ total: 1, granted: 1, proven: 1, setAside: 0 });
  });
});

describe('the subscriptions of a deployment', () => {
  test('are paged in order of id', async () => {
    await whole('managedIdentity');
    const seen: string[] = [];
    for (let path: string | undefined = 'deployments/whole-managedidentity/subscriptions?top=5'; path !== undefined;) {
      const { value, nextLink } = page.parse(await (await world.api(path)).json());
      seen.push(...value.map((row) => row.subscriptionId));
      path = nextLink?.split('/api/')[1];
    }
    expect(seen).toEqual(subscriptionIds(12));
  });

  test('a wrong query is refused at its name', async () => {
    await whole('managedIdentity');
    const answer = await world.api('deployments/whole-managedidentity/subscriptions?state=lost&top=0&page=2');
    expect(answer.status).toBe(400);
    expect(
      problem
        .parse(await answer.json())
        .errors.map(({ pointer }) => pointer)
        .sort(),
    ).toEqual(['/page', '/state', '/top']);
  });
});

describe('bad input', () => {
  test.each([
    ['no JSON', '{ "name": ', 'NotJson'],
    ['more than 1 MiB', JSON.stringify({ name: 'x'.repeat(1_100_000) }), 'BodyTooLarge'],
    ['unknown fields', JSON.stringify({ colour: 'red' }), 'InvalidRequest'],
  ])('%s is a problem document, and nothing is started', async (_what, body, code) => {
    const answer = await world.post('deployments', body);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
    expect(problem.parse(await answer.json()).code).toBe(code);
  });

  test('names every fault at its pointer, and the deployment does not exist afterwards', async () => {
    const body = { ...named('faulty', { colour: 1 }), tenantId: '22222222-2222-4222-8222-222222222222' };
    const answer = await world.post('deployments', body);
    const pointers = problem.parse(await answer.json()).errors.map(({ pointer }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/colour', '/tenantId']));
    expect((await world.api('deployments/faulty')).status).toBe(404);
  });

  test('nobody without a key is answered', async () => {
    expect((await fetch(`${world.hostUrl}/api/deployments`)).status).toBe(401);
  });

  test('a registration that nobody waits for is refused, and a malformed PIN is not repeated', async () => {
    await whole('managedIdentity');
    const path = 'deployments/whole-managedidentity/sentries/1/registration';
    expect((await world.post(path, { email: 'a@example.com', pin: '123456' })).status).toBe(409);
    const answer = await world.post(path, { email: 'a@example.com', pin: 'not-a-pin-7731' });
    const text = await answer.text();
    expect(answer.status).toBe(400);
    expect(text).not.toContain('7731');
  });
});

describe('people and appliances', () => {
  test('a wrong PIN is asked for again', async () => {
    await world.administrator.start(named('wrong-pin', { subscriptions: ids(subscriptionId(50)) }));
    let wrong = false;
    const shown = await world.administrator.seeThrough('wrong-pin', ({ sentries }) => {
      if (wrong || !sentries.some(({ handoff }) => handoff)) return;
      wrong = true;
      void world.post('deployments/wrong-pin/sentries/1/registration', { email: 'a@example.com', pin: '000000' });
    });
    expect(wrong).toBe(true);
    expect(shown.state).toBe('completed');
  });

  test('a vault that does not take email and PIN is told of, and they can be sent again', async () => {
    const name = 'vault-down';
    await world.administrator.start(named(name, { subscriptions: ids(subscriptionId(52)) }));
    const sentry = async () => (await world.administrator.read(name)).sentries[0];
    for (let asked = await sentry(); asked?.handoff?.kind !== 'registration'; asked = await sentry()) {
      if (asked?.handoff?.kind === 'presence')
        await world.post(`deployments/${name}/handoffs/${asked.handoff.id}`, { done: true });
    }
    const match = { method: 'PUT', path: `${name}-1-registration` };
    await world.askAzure('/_simulator/faults', { match, status: 503, count: 1 });
    const send = () =>
      world.post(`deployments/${name}/sentries/1/registration`, { email: 'a@example.com', pin: '123456' });
    const refused = await send();
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([503, true]);
    expect(await refused.json()).toMatchObject({ code: 'RegistrationNotStored' });
    expect((await send()).status).toBe(202);
    expect((await world.administrator.seeThrough(name, () => undefined)).state).toBe('completed');
  });

  test('an unknown prompt stops that Sentry with its transcript, and its window closes', async () => {
    const tags = { 'simulator-extra-prompt': 'Outbound proxy: ' };
    const shown = await deploy('unknown-prompt', { tags, subscriptions: ids(subscriptionId(51)) });
    expect(shown.state).toBe('failed');
    expect(shown.sentries[0]).toMatchObject({ stage: 'stopped', stopped: { code: 'UnknownPrompt' } });
    expect(shown.sentries[0]?.stopped?.transcript).toContain('Outbound proxy');
    expect(shown.sentries[0]?.receipts).toMatchObject([{ provenClosed: true }]);
  });
});

describe('Event Grid', () => {
  const isolated = '5b000000-0000-4000-9000-000000000002';
  const send = (body: unknown, type = 'Notification') =>
    fetch(`${world.hostUrl}/runtime/webhooks/eventgrid?functionName=subscriptionCreated&code=${world.keys.eventGrid}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'aeg-event-type': type },
      body: JSON.stringify(body),
    });
  const gridEvent = (id: string) => ({
    id: 'e1',
    eventType: 'Vending.SubscriptionCreated',
    subject: `/subscriptions/${id}`,
    eventTime: '2026-01-01T00:00:00Z',
    dataVersion: '1',
    data: { subscriptionId: id },
  });
  const cloudEvent = (id: string) => ({
    specversion: '1.0',
    id: 'e2',
    type: 'Vending.SubscriptionCreated',
    source: '/vending',
    data: { subscriptionId: id },
  });

  test('a new subscription joins the deployment whose rule covers it; the same event twice runs once', async () => {
    const [first, second] = [subscriptionId(61), subscriptionId(62)];
    const include = [{ kind: 'ids', ids: [subscriptionId(60)] }];
    const subscriptions = { include, onboardNew: true, exclude: [isolated] };
    await deploy('onboarding', { subscriptions });
    for (const event of [[gridEvent(first)], [gridEvent(first)], cloudEvent(second)])
      expect((await send(event)).status).toBe(202);
    const joined = async () => {
      const { value } = page.parse(
        await (await world.api('deployments/onboarding/subscriptions?state=granted')).json(),
      );
      return value.map((row) => row.subscriptionId);
    };
    while ((await joined()).length < 3) await nextLook();
    expect(await joined()).toEqual([subscriptionId(60), first, second]);
    const instances = z.looseObject({ runtimeStatus: z.string() });
    const keys = z.looseObject({ systemKeys: z.looseObject({ durabletask_extension: z.string() }) });
    const { systemKeys } = keys.parse(JSON.parse(readFileSync(join(world.state, 'host', 'keys.json'), 'utf8')));
    const url = `${world.hostUrl}/runtime/webhooks/durabletask/instances/onboard-${first}?code=${systemKeys.durabletask_extension}`;
    expect(instances.parse(await getJson(url)).runtimeStatus).toMatch(/Completed|Running/);
    expect(await windowsOf('onboarding')).toHaveLength(1);
  });

  test('an event for no rule, or a malformed one, is acknowledged, and nothing is started', async () => {
    for (const event of [[{ ...gridEvent('x'), data: {}, subject: 'nothing' }], [{}], [gridEvent(isolated)]]) {
      expect((await send(event)).status).toBe(202);
    }
    // The log is written by another process: it may come a moment after the answer.
    const log = (): string => readFileSync(join(world.state, 'logs', 'host.log'), 'utf8');
    for (const reason of ['the event names no subscription', `no deployment's rule covers ${isolated}`]) {
      while (!log().includes(reason)) await nextLook();
    }
  });
});

describe('secrets', () => {
  const systemKey = (): string => {
    const keys = z.looseObject({ systemKeys: z.looseObject({ durabletask_extension: z.string() }) });
    return keys.parse(JSON.parse(readFileSync(join(world.state, 'host', 'keys.json'), 'utf8'))).systemKeys
      .durabletask_extension;
  };

  /** Every value in the vault, read with the app's own identity, and the tokens that it took for that. */
  async function secretValues(): Promise<readonly string[]> {
    const identity = { 'x-identity-header': world.environment['IDENTITY_HEADER'] ?? '' };
    const token = z.looseObject({ access_token: z.string() });
    const path = '/msi/token?resource=https://vault.azure.net&api-version=2019-08-01';
    const { access_token } = token.parse(await world.askAzure(path, undefined, identity));
    const authorization = { authorization: `Bearer ${access_token}` };
    const list = z.looseObject({ value: z.array(z.looseObject({ id: z.string() })) });
    const { value } = list.parse(
      await world.askAzure('/secrets?api-version=7.6&maxresults=25', undefined, authorization),
    );
    const secret = z.looseObject({ value: z.string() });
    const values = await Promise.all(
      value.map(
        async ({ id }) =>
          secret.parse(await world.askAzure(`${new URL(id).pathname}?api-version=7.6`, undefined, authorization)).value,
      ),
    );
    // A registration is an object of two; a private key's lines would be split by any log.
    return values.flatMap((text) => {
      if (text.startsWith('{')) return [`"${z.looseObject({ pin: z.string() }).parse(JSON.parse(text)).pin}"`];
      return text.includes('PRIVATE KEY') ? text.split('\n').filter((line) => line.length > 40) : [text];
    });
  }

  /** All that the API and Durable's own API say, inputs, outputs and histories included. */
  async function answers(): Promise<string> {
    const list = z.array(z.looseObject({ instanceId: z.string() }));
    const durable = `${world.hostUrl}/runtime/webhooks/durabletask/instances`;
    const instances = list.parse(await getJson(`${durable}?code=${systemKey()}&top=1000`));
    const urls = instances.map(
      ({ instanceId }) =>
        `${durable}/${encodeURIComponent(instanceId)}?showInput=true&showHistory=true&showHistoryOutput=true&code=${systemKey()}`,
    );
    const names = z.looseObject({ value: z.array(z.looseObject({ name: z.string() })) });
    const { value } = names.parse(await (await world.api('deployments')).json());
    const own = await Promise.all(
      value.flatMap(({ name }) => [world.api(`deployments/${name}`), world.api(`deployments/${name}/subscriptions`)]),
    );
    const texts = await Promise.all(
      [...own, ...(await Promise.all(urls.map((url) => fetch(url))))].map((answer) => answer.text()),
    );
    expect(texts.length).toBeGreaterThan(20);
    return texts.join('\n');
  }

  test('none is in an SQLite file, a log or any answer', async () => {
    await Promise.all([whole('managedIdentity'), whole('appRegistration')]);
    // A key and a registration of each, and the secret of one.
    const values = await secretValues();
    expect(values.length).toBeGreaterThanOrEqual(5);
    const said = await answers();
    const shapes = [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, /eyJ[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}/];
    const texts = new Map([['answers', said], ...kept().map((path) => [path, readFileSync(path, 'latin1')] as const)]);
    for (const [where, text] of texts) {
      expect({ where, found: values.filter((value) => text.includes(value)).length }).toEqual({ where, found: 0 });
      expect({ where, found: shapes.filter((shape) => shape.test(text)).length }).toEqual({ where, found: 0 });
    }
  });

  /** All files but the simulated world's own keys, which are files for their owner alone. */
  const kept = (): string[] => {
    const keys = (path: string): boolean => (statSync(path).mode & 0o077) === 0 && /key|pem|environment/i.test(path);
    const files = filesUnder(world.state).filter((path) => !keys(path));
    expect(files.length).toBeGreaterThan(5);
    return files;
  };
});

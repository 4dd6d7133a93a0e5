/** Each of the sixteen faults, aimed at an operation and a count: it strikes so often, there, and nothing else. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { FaultInput, Mode } from '../../../local/azure/simulator/faults';
import {
  type Answer,
  type Arm,
  armOf,
  instant,
  location,
  network,
  pathOf,
  platform,
  startTestAzure,
  type TestAzure,
  watched,
} from './simulator.support';

const rg = `/subscriptions/${platform}/resourceGroups/rg`;
const nsgs = 'Microsoft.Network/networkSecurityGroups';

let azure: TestAzure;
let arm: Arm;
let made = 0;

beforeAll(async () => {
  azure = await startTestAzure({
    ...instant,
    timings: { ...instant.timings, networkSecurityGroup: 3, networkDelete: 4 },
  });
  arm = await armOf(azure);
});
afterAll(async () => azure.stop());

const code = z.object({ error: z.looseObject({ code: z.string() }) });
/** `503 ServerTimeout`, `200`, or `cut` where there was no answer, or half of one. */
const told = async (answer: Promise<Answer>): Promise<string> => {
  try {
    const { status, body } = await answer;
    const refused = code.safeParse(body);
    return refused.success ? `${status} ${refused.data.error.code}` : String(status);
  } catch {
    return 'cut';
  }
};
/** What is there, seen by nobody that a fault could strike. */
const peek = async (path: string): Promise<{ status: number; body: unknown }> => {
  const { status, body } = await azure.ask('POST', '/_simulator/outside', { body: { method: 'GET', path } });
  return { status, body };
};
const tagOf = async (path: string): Promise<string> =>
  z.looseObject({ tags: z.object({ by: z.string() }) }).safeParse((await peek(path)).body).data?.tags.by ?? 'none';

const fresh = (): string => network(`networkSecurityGroups/nsg-${made++}`);
async function standing(): Promise<string> {
  const path = fresh();
  await azure.ask('POST', '/_simulator/outside', { body: { method: 'PUT', path, body: { location } } });
  azure.advance(5);
  return path;
}

const read = async (): Promise<string> => await told(arm('GET', await standing()));
const write = async (): Promise<string> => {
  const path = fresh();
  const said = await told(arm('PUT', path, { location }));
  return `${said}, ${(await peek(path)).status === 200 ? 'done' : 'not done'}`;
};
const operation = async (): Promise<string> => {
  const accepted = await arm('PUT', fresh(), { location });
  azure.advance(5);
  const polled = await arm('GET', pathOf(accepted.header('azure-asyncoperation')));
  return z.looseObject({ status: z.string() }).parse(polled.body).status;
};
const remove = async (): Promise<string> => await told(arm('DELETE', await standing()));
const grant = async (): Promise<string> => {
  const principalId = randomUUID();
  const scope = `/subscriptions/${watched(1)}`;
  const properties = { principalId, principalType: 'ServicePrincipal', roleDefinitionId: 'x/acdd72a7-3385-48ef-bd42-f606fba81ae7' }; // prettier-ignore
  await arm('PUT', `${scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`, { properties });
  const { body } = await azure.ask('GET', `/_simulator/roles?principal=${principalId}`);
  const [held] = z.tuple([z.looseObject({ isEffective: z.boolean() })]).parse(body);
  return held.isEffective ? 'counts' : 'does not count';
};
const readAfterWrite = async (): Promise<string> => {
  const path = await standing();
  await arm('PATCH', path, { tags: { by: 'us' } });
  const { body } = await arm('GET', path);
  return z.looseObject({ tags: z.object({ by: z.string() }).optional() }).parse(body).tags?.by ?? 'none';
};
const readThenTags = async (): Promise<string> => {
  const path = await standing();
  return `${await told(arm('GET', path))}, ${await tagOf(path)}`;
};
const readThenThere = async (): Promise<string> => {
  const path = await standing();
  const said = await told(arm('GET', path));
  azure.advance(5);
  return `${said}, ${(await peek(path)).status}`;
};

type Row = readonly [mode: Mode, fault: FaultInput, operation: string, doing: () => Promise<string>, struck: string, spared: string]; // prettier-ignore
const rows: readonly Row[] = [
  ['before', { status: 503 }, `${nsgs}/write`, write, '503 ServerTimeout, not done', '201, done'],
  ['afterEffect', { status: 504 }, `${nsgs}/write`, write, '504 GatewayTimeout, done', '201, done'],
  ['reset', {}, `${nsgs}/write`, write, 'cut, not done', '201, done'],
  ['resetAfterEffect', {}, `${nsgs}/write`, write, 'cut, done', '201, done'],
  ['hang', { seconds: 0.01 }, `${nsgs}/write`, write, 'cut, not done', '201, done'],
  ['truncate', {}, `${nsgs}/read`, read, 'cut', '200'],
  ['operationFails', {}, `${nsgs}/write`, operation, 'Failed', 'Succeeded'],
  ['operationCanceled', {}, `${nsgs}/write`, operation, 'Canceled', 'Succeeded'],
  ['operationNeverEnds', {}, `${nsgs}/write`, operation, 'InProgress', 'Succeeded'],
  ['lostReplication', {}, 'Microsoft.Authorization/roleAssignments/write', grant, 'does not count', 'counts'],
  ['staleRead', {}, `${nsgs}/read`, readAfterWrite, 'none', 'us'],
  ['expiredToken', {}, `${nsgs}/read`, read, '401 ExpiredAuthenticationToken', '200'],
  ['policyDenied', {}, `${nsgs}/write`, write, '403 RequestDisallowedByPolicy, not done', '201, done'],
  ['locked', {}, `${nsgs}/delete`, remove, '409 ScopeLocked', '202'],
  ['changedByOther', { change: { tags: { by: 'them' } } }, `${nsgs}/read`, readThenTags, '200, them', '200, none'],
  ['deletedByOther', {}, `${nsgs}/read`, readThenThere, '200, 404', '200, 200'],
];

test.each(rows)('%s', async (mode, rest, aim, doing, struck, spared) => {
  const body = { mode, ...rest, count: 2, match: { operation: aim, caller: 'sentry-orchestrator' } };
  expect(await azure.ask('POST', '/_simulator/faults', { body })).toMatchObject({ status: 201, body: [{ left: 2, struck: 0 }] }); // prettier-ignore
  const seen: string[] = [];
  for (let time = 0; time < 2; time += 1) {
    expect((await arm('GET', rg)).status).toBe(200);
    seen.push(await doing());
  }
  expect((await azure.ask('GET', '/_simulator/faults')).body).toEqual([]);
  seen.push(await doing());
  expect(seen).toEqual([struck, struck, spared]);
  const asked = z.array(z.looseObject({ fault: z.string().nullable(), path: z.string() }));
  const record = asked.parse((await azure.ask('GET', '/_simulator/requests?full=true')).body);
  expect(record.filter(({ fault }) => fault === mode)).toHaveLength(2);
});

test('there are sixteen', () => {
  expect(new Set(rows.map(([mode]) => mode)).size).toBe(16);
});

test.each([
  ['POST', '/_simulator/faults', { mode: 'never' }, 400],
  ['POST', '/_simulator/faults', { count: 0 }, 400],
  ['POST', '/_simulator/faults', { probability: 2 }, 400],
  ['POST', '/_simulator/faults', { match: { path: '(' } }, 400],
  ['POST', '/_simulator/faults', { unheard: true }, 400],
  ['POST', '/_simulator/outside', { method: 'BURN', path: '/x' }, 400],
  ['POST', '/_simulator/outside', { method: 'GET', path: 'x' }, 400],
  ['POST', '/_simulator/secret', { principal: 'nobody' }, 404],
  ['POST', '/_simulator/token', { principal: 'nobody', resource: 'https://management.azure.com' }, 404],
  ['POST', '/_simulator/token', { principal: 'administrator', resource: 'https://nothing.example' }, 400],
  [
    'POST',
    '/_simulator/subscriptions',
    { id: '5b000000-0000-4000-8000-0000000000ee', name: 'x', managementGroup: 'none' },
    404,
  ],
  ['POST', '/_simulator/subscriptions', { name: 'x' }, 400],
  ['POST', '/_simulator/vms/token', { vmId: 'x', resource: 'https://management.azure.com' }, 404],
  ['POST', '/_simulator/vms/traffic', { vmId: 'x', bytesPerMinute: 1 }, 404],
  ['POST', '/_simulator/vms/traffic', { vmId: 'x', bytesPerMinute: -1 }, 400],
  ['POST', '/_simulator/vms/scripts', {}, 400],
  ['GET', '/_simulator/vms?id=x', undefined, 404],
  ['GET', '/_simulator/reach?address=nowhere&port=22&source=1.2.3.4', undefined, 400],
  ['GET', '/_simulator/reach?address=203.0.113.250&port=22&source=1.2.3.4', undefined, 404],
  ['GET', '/_simulator/requests?limit=-1', undefined, 400],
  ['POST', '/_simulator/issuers/github/assertions', {}, 400],
] as const)('%s %s of %j is answered %i, with a reason', async (method, path, body, status) => {
  const answer = await azure.ask(method, path, body === undefined ? {} : { body });
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({ error: { code: expect.any(String), message: expect.stringMatching(/./) } });
});

test('what is asked is answered: health, ports, exposures, roles, what is left, and the names of images', async () => {
  for (const path of [
    'health',
    'windows',
    'exposures',
    'roles',
    'left',
    'vms',
    'vms/scripts',
    'vmImageAliases',
    'requests',
  ])
    // prettier-ignore
    expect((await azure.ask('GET', `/_simulator/${path}`)).status).toBe(200);
  expect((await azure.ask('DELETE', '/_simulator/faults/7')).status).toBe(204);
  expect((await azure.ask('DELETE', '/_simulator/vms/scripts')).status).toBe(204);
});

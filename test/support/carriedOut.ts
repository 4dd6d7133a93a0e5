/** Holds what a run asked of the simulated Azure against what its plan had said. */
import { expect } from '@jest/globals';
import { z } from 'zod';
import { APP } from '../contract/azure/preflight.support';
import type { TestWorld } from './e2e';

const planned = z.looseObject({
  permissions: z.array(z.object({ permission: z.string(), scope: z.string(), why: z.array(z.string()) })),
  estimate: z.looseObject({ azureCalls: z.number() }),
});
type Named = z.infer<typeof planned>['permissions'][number];
/** By world, what its plans have named so far. */
const known = new WeakMap<TestWorld, readonly Named[]>();
const CHANGES = /\/(write|delete|setSecret\/action|join\/action|assign\/action|register\/action)$|ReadWrite/;
const demanded = z.array(z.object({ action: z.string(), scope: z.string() }));
type Demanded = z.infer<typeof demanded>[number];
const asked = z.array(z.object({ sequence: z.number(), method: z.string(), path: z.string(), status: z.number() }));

const WATCHED = 'each watched subscription';
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const within = (path: string, scope: string): boolean => `${path}/`.toLowerCase().startsWith(`${scope}/`.toLowerCase());

const inVault = ({ action, scope }: Demanded): Demanded => ({
  action,
  scope: /^Microsoft\.KeyVault\//i.test(action) ? 'the app’s key vault' : scope,
});

/** What each call of Microsoft Graph takes, the least of what Graph's own pages list. */
const graphPermission = (method: string, path: string): string => {
  if (/\/appRoleAssignments|\/appRoleAssignedTo/i.test(path) && method !== 'GET')
    return 'AppRoleAssignment.ReadWrite.All';
  if (/\/policies\//i.test(path)) return 'Policy.Read.All';
  return method === 'GET' ? 'Application.Read.All' : 'Application.ReadWrite.OwnedBy';
};

/** Plans, runs, and checks that every permission that the run had need of was named. */
export async function asPlanned<T>(
  world: TestWorld,
  body: object,
  { watched, run }: { readonly watched: readonly string[]; readonly run: () => Promise<T> },
): Promise<{ readonly result: T; readonly calls: { readonly estimated: number; readonly recorded: number } }> {
  const answer = await settled(world, await world.post('deployments?dryRun=true', body));
  const plan = planned.parse(await answer.json());
  await world.askAzure('/_simulator/demanded', {});
  const before = await record(world, 0);
  const result = await run();
  const since = await record(world, before.at(-1)?.sequence ?? 0);
  const rights = demanded.parse(await world.askAzure(`/_simulator/demanded?principal=${APP}`));

  const others = known.get(world) ?? [];
  known.set(world, [...others, ...plan.permissions]);
  const covers = (scope: string, path: string): boolean =>
    scope === WATCHED ? watched.some((id) => within(path, `/subscriptions/${id}`)) : within(path, scope);
  const isNamed = ({ action, scope }: Demanded, by: readonly Named[]): boolean =>
    by.some((one) => same(one.permission, action) && (one.scope === scope || covers(one.scope, scope)));
  const ofGraph = since
    .filter(({ path }) => path.startsWith('/v1.0/'))
    .map(({ method, path }) => ({ action: graphPermission(method, path), scope: 'Microsoft Graph' }));
  const unnamed = [...rights.map(inVault), ...ofGraph]
    .filter((one) => !isNamed(one, plan.permissions))
    // Timers look at what this world's earlier runs made, meanwhile.
    .filter((one) => CHANGES.test(one.action) || !isNamed(one, others))
    .map(({ action, scope }) => `${action} at ${scope}`);
  expect([...new Set(unnamed)]).toEqual([]);

  return { result, calls: { estimated: plan.estimate.azureCalls, recorded: since.length } };
}

/** The app's own calls, those for tokens apart. */
async function record(world: TestWorld, after: number) {
  const all = asked.parse(await world.askAzure(`/_simulator/requests?full=true&caller=${APP}&after=${after}`));
  return all.filter(({ path }) => !/\/oauth2\/|\/metadata\/|\/msi\//.test(path));
}

async function settled(world: TestWorld, answer: Response): Promise<Response> {
  if (answer.status !== 202) return answer;
  await answer.arrayBuffer();
  const next = await fetch(answer.headers.get('location') ?? '', {
    headers: { 'x-functions-key': world.keys.operator },
  });
  return settled(world, next);
}

/** Holds what a run asked of the simulated Azure against what its plan had said. */
import { expect } from '@jest/globals';
import { z } from 'zod';
import { APP } from '../contract/azure/preflight.support';
import type { TestWorld } from './e2e';

const planned = z.looseObject({
  permissions: z.array(z.object({ permission: z.string(), scope: z.string(), why: z.array(z.string()) })),
});
type PlanShown = z.infer<typeof planned>;
const demanded = z.array(z.object({ action: z.string(), scope: z.string() }));
const asked = z.array(z.object({ sequence: z.number(), method: z.string(), path: z.string(), status: z.number() }));

const WATCHED = 'each watched subscription';
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const within = (path: string, scope: string): boolean => `${path}/`.toLowerCase().startsWith(`${scope}/`.toLowerCase());

/** What each call of Microsoft Graph takes, the least of what Graph's own pages list. */
const graphPermission = (method: string, path: string): string => {
  if (/\/appRoleAssignments|\/appRoleAssignedTo/i.test(path) && method !== 'GET')
    return 'AppRoleAssignment.ReadWrite.All';
  if (/\/policies\//i.test(path)) return 'Policy.Read.ApplicationConfiguration';
  return method === 'GET' ? 'Application.Read.All' : 'Application.ReadWrite.OwnedBy';
};

/** Plans, runs, and checks that every permission that the run had need of was named. */
export async function asPlanned<T>(
  world: TestWorld,
  body: object,
  { watched, run }: { readonly watched: readonly string[]; readonly run: () => Promise<T> },
): Promise<{ readonly plan: PlanShown; readonly result: T }> {
  const { name } = z.looseObject({ name: z.string() }).parse(body);
  const answer = await settled(world, await world.post('deployments?dryRun=true', body));
  const plan = planned.parse(await answer.json());
  await world.askAzure('/_simulator/demanded', {});
  const before = await record(world, 0);
  const result = await run();
  const since = await record(world, before.at(-1)?.sequence ?? 0);
  const rights = demanded.parse(await world.askAzure(`/_simulator/demanded?principal=${APP}`));

  const named = (permission: string, covers: (scope: string) => boolean): boolean =>
    plan.permissions.some((one) => same(one.permission, permission) && covers(one.scope));
  const covered = (path: string) => (scope: string) =>
    scope === WATCHED ? watched.some((id) => within(path, `/subscriptions/${id}`)) : within(path, scope);
  const others = await othersThan(world, name);
  const unnamed = [
    ...rights
      .filter(({ action, scope }) => !(action.endsWith('/read') && others.some((group) => within(scope, group))))
      .filter(({ action, scope }) =>
        /^Microsoft\.KeyVault\//i.test(action)
          ? !named(action, (at) => at === 'the app’s key vault')
          : !named(action, covered(scope)),
      )
      .map(({ action, scope }) => `${action} at ${scope}`),
    ...since
      .filter(({ path }) => path.startsWith('/v1.0/'))
      .map(({ method, path }) => graphPermission(method, path))
      .filter((permission) => !named(permission, (scope) => scope === 'Microsoft Graph')),
  ];
  expect([...new Set(unnamed)]).toEqual([]);

  return { plan, result };
}

/** The app's own calls, those for tokens apart. */
async function record(world: TestWorld, after: number) {
  const all = asked.parse(await world.askAzure(`/_simulator/requests?full=true&caller=${APP}&after=${after}`));
  return all.filter(({ path }) => !/\/oauth2\/|\/metadata\/|\/msi\//.test(path));
}

/** Groups of other deployments of this world, which timers look into meanwhile: each has that of its name. */
async function othersThan(world: TestWorld, name: string): Promise<readonly string[]> {
  const list = z.looseObject({ value: z.array(z.looseObject({ name: z.string() })) });
  const { value } = list.parse(await (await world.api('deployments')).json());
  const host = '/subscriptions/5b000000-0000-4000-8000-000000000000/resourceGroups';
  return value.filter((one) => one.name !== name).map((one) => `${host}/${one.name}`);
}

async function settled(world: TestWorld, answer: Response): Promise<Response> {
  if (answer.status !== 202) return answer;
  await answer.arrayBuffer();
  const next = await fetch(answer.headers.get('location') ?? '', {
    headers: { 'x-functions-key': world.keys.operator },
  });
  return settled(world, next);
}

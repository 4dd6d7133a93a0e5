/** Every kind of resource: made once, left alone, and removed only where it is ours. By Azure's own timings. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readTenant } from '../../../local/azure/tenant';
import { type Given, outputsOf, type Progress, reversed } from '../../../src/domain/graph';
import { kinds, type Resource, specify } from '../../../src/domain/resources';
import { deploy, startWorld, type World } from './adapters.support';

let world: World;
beforeAll(async () => {
  world = await startWorld(readTenant('samples/tenant.json'));
});
afterAll(async () => world.azure.stop());

/** Terms and registrations are never taken back: others in the subscription may stand on them. */
const NEVER_REMOVED = ['marketplaceAgreement', 'providerRegistration'];

/** What may have been there before. */
const BEFORE: Readonly<Record<string, readonly string[]>> = {
  marketplaceAgreement: ['changed', 'kept'],
  providerRegistration: ['kept'],
};

/** What has no mark of its own, and applications, whose names are not unique: another deployment makes its own. */
const WITHOUT_OWNER = ['marketplaceAgreement', 'subnet', 'graphPermission', 'publicIPAssociation', 'application'];

describe.each(['managedIdentity', 'appRegistration'] as const)('with %s', (identity) => {
  const { name, resources: base, window } = deploy(`kinds-${identity.toLowerCase()}`, identity);
  let resources: readonly Resource[];
  let first: Progress;
  let given: Given;

  beforeAll(async () => {
    const made = await world.carryOut('ensure', name, base);
    const extra = window(outputsOf(made));
    first = { ...made, ...(await world.carryOut('ensure', name, extra, outputsOf(made))) };
    resources = [...base, ...extra];
    given = outputsOf(first);
  });

  /** Those whose state is not `done` with just this. */
  const otherThan = (progress: Progress, change: (kind: string) => readonly string[]) =>
    resources.flatMap(({ key, kind }) => {
      const state = progress[key];
      const ours = kind !== 'providerRegistration';
      const isSo = state?.state === 'done' && state.ours === ours && change(kind).includes(state.change);
      return isSo ? [] : [[key, state]];
    });

  test('everything is created, and is ours', () => {
    expect(otherThan(first, (kind) => BEFORE[kind] ?? ['created'])).toEqual([]);
  });

  test('again, everything is kept and nothing is written', async () => {
    let again: Progress = {};
    const written = await world.written(async () => {
      again = await world.carryOut('ensure', name, resources, given);
    });
    expect(written).toEqual([]);
    expect(otherThan(again, () => ['kept'])).toEqual([]);
    expect(outputsOf(again)).toMatchObject(given);
  });

  test('to another deployment it is neither written nor removed, and used only where that is harmless', async () => {
    const marked = resources.filter(({ kind }) => !WITHOUT_OWNER.includes(kind));
    const outcomes: unknown[] = [];
    const written = await world.written(async () => {
      for (const resource of marked) {
        const spec = specify(resource, 'other-sentry', given);
        for (const verb of ['ensure', 'remove'] as const) outcomes.push([spec.key, await world.step(verb, spec)]);
      }
    });
    expect(written).toEqual([]);
    const kept = expect.objectContaining({ kind: 'done', change: 'kept', ours: false });
    const refused = expect.objectContaining({ kind: 'refused', code: 'NotOurs' });
    expect(outcomes).toEqual(
      marked.flatMap(({ key, kind }) => [
        [key, kinds[kind].adopt ? kept : refused],
        [key, kept],
      ]),
    );
  });

  test('what is ours goes in reverse order, and is proven gone', async () => {
    const gone = await world.carryOut('remove', name, reversed(resources), given);
    const left = resources.flatMap(({ key, kind }) => {
      const state = gone[key];
      const change = NEVER_REMOVED.includes(kind) ? 'kept' : 'removed';
      return state?.state === 'done' && state.change === change ? [] : [[key, state]];
    });
    expect(left).toEqual([]);
    expect(await world.written(() => world.carryOut('remove', name, reversed(resources), given))).toEqual([]);
  });
});

/** One test for each bug that these contract tests found, named after it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Given, outputsOf } from '../../../src/domain/graph';
import { deploy, startWorld, type World } from './adapters.support';
import { instant } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld(instant);
});
afterAll(async () => world.azure.stop());

/** Makes a deployment's resources, each test its own. */
async function made(name: string, identity?: 'appRegistration') {
  const { resources, spec } = deploy(name, identity);
  const given: Given = outputsOf(await world.carryOut('ensure', name, resources));
  return { given, spec };
}

test('a grant that was as wanted was written again at every run, because Azure shows no name of its role', async () => {
  const { spec, given } = await made('grant-again');
  expect(await world.written(() => world.step('ensure', spec('roleAssignment', given)))).toEqual([]);
});

test('removing the marketplace agreement was waited for in vain, because it is never cancelled', async () => {
  const { spec } = await made('agreement-stays');
  const agreement = spec('marketplaceAgreement');
  expect(await world.step('remove', agreement)).toMatchObject({ kind: 'done', change: 'kept', ours: false });
  expect(await world.ports.arm.marketplaceAgreement.get(agreement.id)).toMatchObject({ accepted: true });
});

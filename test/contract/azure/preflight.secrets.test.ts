/** The tenant's rules for secrets of applications, as the sample tenant lets the app read them. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startWorld, type World } from './adapters.support';
import { APP, findingsOf, inputFor } from './preflight.support';
import { instant } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld(instant);
});
afterAll(async () => world.azure.stop());
afterEach(async () => {
  await world.azure.ask('DELETE', '/_simulator/faults');
});

const secretFor = (expiresInDays: number) => ({ identity: { kind: 'appRegistration', secret: { expiresInDays } } });

/** The tenant's own app management policy: no secret of an application lives longer than 90 days. */
async function restrict(isEnabled: boolean): Promise<void> {
  const passwordCredentials = [{ restrictionType: 'passwordLifetime', maxLifetime: 'P90D' }];
  const path = '/v1.0/policies/defaultAppManagementPolicy';
  const body = { method: 'PATCH', path, body: { isEnabled, applicationRestrictions: { passwordCredentials } } };
  expect((await world.azure.ask('POST', '/_simulator/outside', { body })).status).toBe(204);
}

test('with an app registration too, as far as the tenant’s rules for secrets let it', async () => {
  expect(await findingsOf(world, inputFor('clean-app', secretFor(180)))).toEqual([]);
  await restrict(true);
  const found = await findingsOf(world, inputFor('clean-app', secretFor(180)));
  expect(found).toMatchObject([
    {
      severity: 'error',
      code: 'SecretLivesTooLong',
      where: '/identity/secret/expiresInDays',
      remedy: 'Ask for 90 days or fewer.',
    },
  ]);
  expect(await findingsOf(world, inputFor('clean-app', secretFor(90)))).toEqual([]);
  await restrict(false);
});

test('without the right to read them: which permission, who gives it, and how', async () => {
  const error = { code: 'Authorization_RequestDenied', message: 'Insufficient privileges to complete the operation.' };
  await world.fault({ match: { path: 'defaultAppManagementPolicy' }, status: 403, body: { error } });
  const [found, ...others] = await findingsOf(world, inputFor('blind-app', secretFor(180)));
  expect(others).toEqual([]);
  expect(found).toMatchObject({ severity: 'warning', code: 'CouldNotBeChecked', where: '/identity/secret' });
  expect(found?.remedy).toContain('the app needs Policy.Read.All');
  expect(found?.remedy).toMatch(/`az rest --method POST --url https:.*\/appRoleAssignments --body ".*246dd0d5-5bd0-4def-940b-0421030a5b68.*"`/); // prettier-ignore
  expect(found?.remedy).toContain(`\\"principalId\\":\\"${APP}\\"`);
});

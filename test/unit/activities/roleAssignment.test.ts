import { expect, test } from '@jest/globals';
import { roleAssignment } from '../../../src/activities/roleAssignment';
import type { Azure } from '../../../src/azure/ports';
import { differences } from '../../../src/domain/compare';
import { ownerMark, type SpecOf } from '../../../src/domain/resources';

test('a grant at a management group is as wanted, though Azure shows its role without the scope', async () => {
  const scope = '/providers/Microsoft.Management/managementGroups/watched';
  const role = '/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7';
  const wanted: SpecOf<'roleAssignment'>['wanted'] = {
    scope,
    roleDefinitionId: `${scope}${role}`,
    principalId: 'principal',
    principalType: 'ServicePrincipal',
    description: `${ownerMark('prod-sentry')} (Sentry 1)`,
    condition: '',
  };
  const { condition: _none, ...rest } = wanted;
  const get = () => Promise.resolve({ ...rest, roleDefinitionId: role });
  const effects = roleAssignment({ arm: { roleAssignment: { get } } } as unknown as Azure);
  const observed = await effects.observe({
    kind: 'roleAssignment',
    key: 'roleAssignment/watched/Reader',
    id: scope,
    deployment: 'prod-sentry',
    wanted,
  });
  expect(observed?.ours).toBe(true);
  expect(differences(wanted, observed?.value)).toEqual([]);
});

import { describe, expect, test } from '@jest/globals';
import { neededFor } from '../../../../local/azure/authorization/actions';
import { allows, roleByName } from '../../../../local/azure/authorization/roles';
import { normalisePath, scopesWithin, splitExtension } from '../../../../local/azure/http/paths';

const group = '/subscriptions/s/resourceGroups/g';
const nsg = `${group}/providers/Microsoft.Network/networkSecurityGroups/n`;

describe('the permission that a request needs', () => {
  test.each([
    ['GET', '/subscriptions/s', 'Microsoft.Resources/subscriptions/read', '/subscriptions/s'],
    ['PUT', group, 'Microsoft.Resources/subscriptions/resourceGroups/write', group],
    [
      'GET',
      '/subscriptions/s/resourceGroups',
      'Microsoft.Resources/subscriptions/resourceGroups/read',
      '/subscriptions/s',
    ],
    ['GET', `${group}/resources`, 'Microsoft.Resources/subscriptions/resourceGroups/resources/read', group],
    ['PUT', nsg, 'Microsoft.Network/networkSecurityGroups/write', nsg],
    [
      'DELETE',
      `${nsg}/securityRules/r`,
      'Microsoft.Network/networkSecurityGroups/securityRules/delete',
      `${nsg}/securityRules/r`,
    ],
    [
      'GET',
      `${group}/providers/Microsoft.Network/networkSecurityGroups`,
      'Microsoft.Network/networkSecurityGroups/read',
      group,
    ],
    ['GET', `${nsg}/securityRules`, 'Microsoft.Network/networkSecurityGroups/securityRules/read', nsg],
    [
      'POST',
      `${group}/providers/Microsoft.Compute/virtualMachines/v/deallocate`,
      'Microsoft.Compute/virtualMachines/deallocate/action',
      `${group}/providers/Microsoft.Compute/virtualMachines/v`,
    ],
    [
      'POST',
      '/subscriptions/s/providers/Microsoft.Compute/register',
      'Microsoft.Compute/register/action',
      '/subscriptions/s',
    ],
    [
      'PUT',
      '/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/r',
      'Microsoft.Authorization/roleAssignments/write',
      '/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/r',
    ],
  ])('%s %s', (method, path, action, scope) => {
    expect(neededFor(method, path)).toEqual({ action, scope });
  });
});

describe('what the built-in roles allow', () => {
  test.each([
    ['Reader', 'Microsoft.Network/networkSecurityGroups/read', true],
    ['Reader', 'Microsoft.Network/networkSecurityGroups/write', false],
    ['Contributor', 'Microsoft.Compute/virtualMachines/write', true],
    ['Contributor', 'Microsoft.Authorization/roleAssignments/write', false],
    ['Contributor', 'microsoft.authorization/roleassignments/delete', false],
    ['User Access Administrator', 'Microsoft.Authorization/roleAssignments/write', true],
    ['Role Based Access Control Administrator', 'Microsoft.Authorization/roleAssignments/delete', true],
    ['Role Based Access Control Administrator', 'Microsoft.Compute/virtualMachines/write', false],
    ['Owner', 'Microsoft.Authorization/roleAssignments/write', true],
  ])('%s: %s is %s', (name, action, expected) => {
    const role = roleByName(name);
    expect(role !== undefined && allows(role, action, 'control')).toBe(expected);
  });

  test('the data plane is apart: an Owner reads no secret', () => {
    const secret = 'Microsoft.KeyVault/vaults/secrets/getSecret/action';
    const may = (name: string): boolean => allows(roleByName(name) ?? { ...roleless }, secret, 'data');
    expect([may('Owner'), may('Key Vault Secrets Officer'), may('Key Vault Secrets User')]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

const roleless = { actions: [], notActions: [], dataActions: [], notDataActions: [] };

test('a resource is within its parents, its group and its subscription', () => {
  expect(scopesWithin(`${nsg}/securityRules/r`)).toEqual([
    '/subscriptions/s',
    '/subscriptions/s/resourcegroups/g',
    '/subscriptions/s/resourcegroups/g/providers/microsoft.network/networksecuritygroups/n',
    '/subscriptions/s/resourcegroups/g/providers/microsoft.network/networksecuritygroups/n/securityrules/r',
  ]);
});

test.each([
  ['//subscriptions//s/?x=1', '/subscriptions/s'],
  ['/', '/'],
  ["/v1.0/applications(appId='a')/addPassword", '/v1.0/applications/appId=a/addPassword'],
  ['/v1.0/applications%28appId=%27a%27%29', '/v1.0/applications/appId=a'],
])('%s is read as %s', (url, path) => {
  expect(normalisePath(url)).toBe(path);
});

test('a role assignment is routed by what follows its scope', () => {
  const rest = 'roleAssignments/r';
  expect(splitExtension(`${nsg}/providers/Microsoft.Authorization/${rest}`)).toEqual({
    scope: nsg,
    route: `/_authorization/${rest}`,
  });
  expect(splitExtension(`/providers/Microsoft.Authorization/${rest}`)).toEqual({
    scope: '/',
    route: `/_authorization/${rest}`,
  });
});

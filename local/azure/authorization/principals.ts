import { type Azure } from '../azure';

/** What a principal is, as role assignments call it; undefined where the directory does not have it, or not yet. */
export function principalTypeOf(azure: Azure, id: string): 'ServicePrincipal' | 'User' | 'Group' | undefined {
  if (azure.directory.get('servicePrincipal', id) !== undefined) return 'ServicePrincipal';
  if (azure.directoryObjects.get('user', id) !== undefined) return 'User';
  return azure.directoryObjects.get('group', id) === undefined ? undefined : 'Group';
}

import { z } from 'zod';
import { type Azure } from '../azure';
import { type Call } from '../http/call';
import { nameOf } from '../http/paths';
import { type Side } from './conditions/evaluate';
import { principalTypeOf } from './principals';
import { type Sides } from './rbac';

const asked = z.looseObject({
  properties: z.looseObject({
    roleDefinitionId: z.string().optional(),
    principalId: z.string().optional(),
    principalType: z.string().optional(),
  }),
});

/** What conditions look at when a role assignment is written or deleted; undefined for any other call. */
export function sidesOf(azure: Azure, call: Pick<Call, 'method' | 'path' | 'body'>): Sides | undefined {
  const name = /\/providers\/microsoft\.authorization\/roleassignments\/([^/]+)$/i.exec(call.path)?.[1];
  if (name === undefined || !['PUT', 'DELETE'].includes(call.method)) return undefined;
  const existing = azure.grants.byName(name);
  const resource: Side =
    existing === undefined
      ? {}
      : {
          RoleDefinitionId: existing.roleId,
          PrincipalId: existing.principalId,
          PrincipalType: existing.principalType,
        };
  return { request: call.method === 'PUT' ? requestSide(azure, call.body) : {}, resource };
}

function requestSide(azure: Azure, body: unknown): Side {
  const parsed = asked.safeParse(body);
  if (!parsed.success) return {};
  const { roleDefinitionId, principalId, principalType } = parsed.data.properties;
  // Azure looks the type up when it is not given.
  const type = principalType ?? principalTypeOf(azure, principalId ?? '') ?? 'ServicePrincipal';
  return {
    ...(roleDefinitionId === undefined ? {} : { RoleDefinitionId: nameOf(roleDefinitionId) }),
    ...(principalId === undefined ? {} : { PrincipalId: principalId }),
    PrincipalType: type,
  };
}

import { type Azure } from '../azure';
import { type Answer, type Call, ok, type Route } from '../http/call';
import { appService, instanceMetadata } from './managedIdentity';
import { endpoints, instances, openId } from './metadata';
import { notSimulated } from './refusals';
import { token } from './signIn';

type Handle = (azure: Azure, call: Call) => Answer | Promise<Answer>;

const table: readonly (readonly ['GET' | 'POST', string, Handle])[] = [
  ['POST', '/:tenant/oauth2/v2.0/token', token],
  ['POST', '/:tenant/oauth2/token', token],
  ['GET', '/:tenant/v2.0/.well-known/openid-configuration', openId],
  ['GET', '/:tenant/.well-known/openid-configuration', openId],
  ['GET', '/:tenant/discovery/v2.0/keys', keys],
  ['GET', '/:tenant/discovery/keys', keys],
  ['GET', '/common/discovery/instance', instances],
  ['POST', '/:tenant/oauth2/v2.0/devicecode', () => notSimulated('The device code flow')],
  ['POST', '/:tenant/oauth2/devicecode', () => notSimulated('The device code flow')],
  ['GET', '/:tenant/oauth2/v2.0/authorize', () => notSimulated('The sign-in of a user')],
  ['GET', '/msi/token', appService],
  ['GET', '/metadata/identity/oauth2/token', instanceMetadata],
  ['GET', '/metadata/endpoints', endpoints],
];

/** Microsoft Entra ID, the managed identity endpoints of App Service and of VMs, and ARM's description of its cloud. */
export const entraRoutes = (azure: Azure): readonly Route[] =>
  table.map(([method, path, handle]) => ({ method, path, api: 'open', handle: (call) => handle(azure, call) }));

async function keys(azure: Azure): Promise<Answer> {
  return ok(await azure.tokens.publicKeys());
}

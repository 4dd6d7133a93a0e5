/** Who the app is to Entra. */
import { z } from 'zod';
import type { AppIdentity } from '../../domain/preflight/graphRights';
import type { Connection } from '../client';

const claims = z.looseObject({
  oid: z.string(),
  roles: z.array(z.string()).default([]),
  /** In a person's token, which has no roles of an application. */
  scp: z.string().optional(),
});

/** The claims are read and not verified: they are a hint for people, and Graph itself decides. */
export async function appIdentity({ config, credential }: Connection): Promise<AppIdentity> {
  const token = (await credential.getToken(`${config.cloud.graphEndpoint}/.default`))?.token ?? '';
  const [, body = ''] = token.split('.');
  const { oid, roles, scp } = claims.parse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
  return { objectId: oid, graphEndpoint: config.cloud.graphEndpoint, graphRoles: roles, isPerson: scp !== undefined };
}

/** A valid request, for tests to change. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appFolder } from '../../local/processes';
import { applianceOf, type ApplianceChoice, type Blueprint } from '../../src/domain/blueprint/blueprint';
import { type Profile, profileSchema } from '../../src/domain/profile';
import { type DeploymentRequest, requestSchema } from '../../src/domain/request/request';

const read = (path: string): unknown => JSON.parse(readFileSync(join(appFolder, path), 'utf8'));

export const tenantId = '11111111-1111-4111-8111-111111111111';
export const subscriptionId = (index: number): string => `5b000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
export const subscriptionIds = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => subscriptionId(index + 1));

export const profile: Profile = profileSchema.parse(read('profiles/cloudknox-sentry.json'));
export const profiles = { 'cloudknox-sentry': profile };

/** The sample as JSON, with some of its top-level fields replaced. */
export const requestBody = (changes: object = {}): Record<string, unknown> => ({
  ...(read('samples/deployment.json') as object),
  tenantId,
  ...changes,
});
export const request = (changes: object = {}): DeploymentRequest => requestSchema.parse(requestBody(changes));

/** The sample for this many subscriptions. */
export const requestFor = (count: number, changes: object = {}): DeploymentRequest =>
  request({ subscriptions: { include: [{ kind: 'ids', ids: subscriptionIds(count) }] }, ...changes });

/** The appliance's part of a blueprint that has one. */
export function applianceIn(blueprint: Blueprint): ApplianceChoice {
  const choice = applianceOf(blueprint);
  if (!choice) throw new Error('This profile has no appliance.');
  return choice;
}

/** The guide's script. */
export const script = applianceIn({ profile, request: request() }).script;

/**
 * The request, version 1: what one deployment is asked to be. Unknown fields are errors, so that a misspelt
 * safeguard is never ignored. Pure.
 */
import { z } from 'zod';
import { access, configuration, image, network, vm } from './appliance';
import { identity } from './identity';
import { names, tags } from './names';
import { guid, someOf, unique } from './parts';
import { schedule } from './schedule';

const include = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ids'), ids: someOf(guid, 'The subscription') }),
  z.strictObject({ kind: z.literal('managementGroup'), id: z.string().min(1).max(90) }),
  z.strictObject({ kind: z.literal('tag'), name: z.string().min(1), value: z.string() }),
]);

export const requestSchema = z
  .strictObject({
    $schema: z.string().optional(),
    apiVersion: z.literal('v1'),
    /** In instance ids, resource tags and URLs. */
    name: z
      .string()
      .regex(/^[a-z](-?[a-z0-9])+$/, {
        error: 'must be lower-case letters, digits and single hyphens, from a letter on',
      })
      .min(3)
      .max(40),
    profile: z.string().default('cloudknox-sentry'),
    tenantId: guid,
    tags: tags.default({}),
    names: names.default({}),
    placement: z.strictObject({
      subscriptionId: guid,
      resourceGroup: z
        .string()
        .max(90)
        .regex(/^[\w().-]*[\w()-]$/, { error: 'is not a name that Azure takes for a resource group' }),
      location: z.string().regex(/^[a-z0-9]+$/, { error: 'is not the short name of a region, such as westeurope' }),
      zone: z.enum(['1', '2', '3']).optional(),
    }),
    vm: vm.optional(),
    image: image.optional(),
    network: network.optional(),
    access: access.optional(),
    identity: identity.default({ kind: 'managedIdentity' }),
    controller: z
      .strictObject({
        enabled: z.boolean(),
        /** Limits User Access Administrator, by a condition, to giving and taking these roles. */
        assignableRoles: someOf(guid, 'The role').optional(),
      })
      .default({ enabled: false }),
    subscriptions: z
      .strictObject({
        include: z.array(include),
        exclude: unique(guid, 'The subscription').default([]),
        onboardNew: z.boolean().default(false),
        /** One grant at each management group instead of one at each subscription. */
        grantAt: z.enum(['subscription', 'managementGroup']).default('subscription'),
      })
      .superRefine(({ include: rules, onboardNew }, context) => {
        if (rules.length === 0 && !onboardNew) {
          context.addIssue({ code: 'custom', path: ['include'], message: 'may be empty only with onboardNew' });
        }
        const seen = new Set<string>();
        rules.forEach((rule, at) => {
          if (rule.kind !== 'ids') return;
          rule.ids.forEach((id, index) => {
            const elsewhere = seen.has(id) && rule.ids.indexOf(id) === index;
            if (elsewhere) {
              context.addIssue({
                code: 'custom',
                path: ['include', at, 'ids', index],
                message: 'The subscription is listed twice',
              });
            }
            seen.add(id);
          });
        });
      }),
    configuration: configuration.optional(),
    /** What is done about what somebody else changed: told of, or set right too. */
    drift: z.enum(['report', 'repair']).default('report'),
    schedule: schedule.optional(),
    /** Of a dry run: only what that plan says is carried out. It belongs to one start, so it is not stored. */
    planId: z
      .string()
      .regex(/^[0-9a-f]{16}-[0-9a-f]{16}$/, { error: 'is not the id of a plan; copy it from the answer of a dry run' })
      .optional(),
  })
  .meta({ id: 'deployment' });
export type DeploymentRequest = Omit<z.output<typeof requestSchema>, 'planId'>;

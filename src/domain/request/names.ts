/** The fields `names` and `tags`: what the things that we make are called, and what they bear. Pure. */
import { z } from 'zod';
import { type NameKey, PLACEHOLDER } from '../profile';

/** Azure's own limits on tags: docs "tag-resources". */
const tagName = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^<>%&\\?/]+$/, { error: 'holds a character that Azure does not allow in the name of a tag' })
  .refine((name) => !name.toLowerCase().startsWith('sentry-'), { error: 'is kept for our own marks' });
/** A vault's secret takes 15, of which three are ours. */
const MOST_TAGS = 12;

export const tags = z
  .record(tagName, z.string().max(256))
  .refine((given) => Object.keys(given).length <= MOST_TAGS, { error: `has more than ${MOST_TAGS} tags` })
  .superRefine((given, context) => {
    const known = new Map<string, string>();
    for (const name of Object.keys(given)) {
      const same = known.get(name.toLowerCase());
      if (same !== undefined) {
        const message = `is the same tag to Azure as '${same}', whose names have no upper and lower case; leave one of them out`;
        context.addIssue({ code: 'custom', path: [name], message });
      }
      known.set(name.toLowerCase(), same ?? name);
    }
  });

/**
 * A template of a name: its placeholders stand for letters, digits and hyphens. How long the name is that comes of it
 * shows once they are filled (`faultyNames`): one that is a placeholder alone is as good as any.
 */
const template = (rule: RegExp, error: string) =>
  z
    .string()
    .max(100)
    .refine((text) => rule.test(text.replace(PLACEHOLDER, 'x')), { error });

const resource = template(
  /^[A-Za-z0-9]([A-Za-z0-9._-]{0,60}[A-Za-z0-9_])?$/,
  'is not a name that Azure takes for a resource',
);
/** What the VM is called, the computer is called too. */
const machine = template(/^[A-Za-z0-9]([A-Za-z0-9-]{0,58}[A-Za-z0-9])?$/, 'is not a name that a Linux VM can have');
const application = template(/^[^{}]{1,100}$/, 'is not a name that an application can have');

export const names = z.strictObject({
  networkSecurityGroup: resource.optional(),
  userAssignedIdentity: resource.optional(),
  application: application.optional(),
  virtualMachine: machine.refine((text) => !text.includes('{vm}'), { error: 'cannot be made of itself' }).optional(),
  networkInterface: resource.optional(),
  virtualNetwork: resource.optional(),
  subnet: resource.optional(),
  natGateway: resource.optional(),
  egressAddress: resource.optional(),
  windowAddress: resource.optional(),
  image: resource.optional(),
} satisfies Record<NameKey, z.ZodType>);

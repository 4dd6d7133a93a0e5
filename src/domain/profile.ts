/**
 * A profile describes a kind of collector as data, so that another appliance needs another file in `profiles/`
 * and no code. `profiles/cloudknox-sentry.json` is the install guide.
 */
import { z } from 'zod';

/** What a prompt of the set-up script may be answered with. Where each comes from is the activity's business. */
const answerKeys = [
  'email',
  'pin',
  'tenantId',
  'usesClientId',
  'clientId',
  'clientSecret',
  'subscriptionCount',
  'yes',
  'no',
] as const;
export type AnswerKey = (typeof answerKeys)[number];

const pattern = z.string().refine(
  (text) => {
    try {
      return new RegExp(text, 'i') instanceof RegExp;
    } catch {
      return false;
    }
  },
  { message: 'is not a regular expression' },
);

const role = z.strictObject({ name: z.string(), id: z.guid() });

const script = z.strictObject({
  command: z.string(),
  /** A prompt is the text at the end of the output while the script waits. The first pattern that matches is answered. */
  prompts: z.array(z.strictObject({ match: pattern, answer: z.enum(answerKeys), secret: z.boolean().default(false) })),
  /** How the script's end is read; the first pattern found anywhere in its output decides. */
  endings: z.array(z.strictObject({ match: pattern, means: z.enum(['configured', 'wrongPin', 'failed']) })),
});
export type Script = z.infer<typeof script>;

export const profileSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  /** The most subscriptions that one appliance watches. */
  maxSubscriptions: z.int().min(1),
  /** Names of the first Sentry's resources; Sentry n > 1 has them with `-n`. */
  names: z.strictObject({
    networkSecurityGroup: z.string(),
    userAssignedIdentity: z.string(),
    application: z.string(),
    virtualMachine: z.string(),
    inboundRule: z.string(),
  }),
  vm: z.strictObject({ size: z.string(), adminUsername: z.string() }),
  image: z.strictObject({ publisher: z.string(), offer: z.string(), plan: z.string(), version: z.string() }),
  /** TCP ports that may be opened for configuration. The first is the one that the set-up script is reached by. */
  ports: z.array(z.int().min(1).max(65535)).min(1),
  roles: z.strictObject({ always: z.array(role).min(1), controller: z.array(role) }),
  graphPermissions: z.array(z.strictObject({ value: z.string(), id: z.guid() })),
  script,
});
export type Profile = z.infer<typeof profileSchema>;

/**
 * A profile describes a kind of collector as data, so that another collector needs another file in `profiles/`
 * and no code. `profiles/cloudknox-sentry.json` is the install guide; docs/profiles.md says how to write one. Pure.
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

/** Placeholders of a name: the deployment's name, the Sentry's number, the name of its VM. */
export const PLACEHOLDER = /\{(name|n|vm)\}/g;
const template = z
  .string()
  .regex(/^[^{}]*(\{(name|n|vm)\}[^{}]*)*$/, { error: 'holds a placeholder other than {name}, {n} and {vm}' });

/** The VM that collects. A profile without it is identity and roles alone: what collects runs somewhere else. */
const appliance = z.strictObject({
  vm: z.strictObject({ size: z.string(), adminUsername: z.string() }),
  image: z.strictObject({
    publisher: z.string(),
    offer: z.string(),
    plan: z.string(),
    version: z.string(),
    /** Whether the Azure VM agent runs in it: without one there is no run command. */
    agent: z.boolean(),
    /** Of the same machine as a VHD: Azure cannot tell it from the file. */
    hyperVGeneration: z.enum(['V1', 'V2']),
  }),
  /** TCP ports that may be opened for configuration. The first is the one that the set-up script is reached by. */
  ports: z.array(z.int().min(1).max(65535)).min(1),
  /** Hosts beside Azure's and Entra's own that the appliance must reach on 443. */
  outboundHosts: z.array(z.hostname()),
  script,
});
export type Appliance = z.infer<typeof appliance>;

export const profileSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  /** The most subscriptions that one Sentry watches. */
  maxSubscriptions: z.int().min(1),
  /**
   * Templates. Of one without `{n}` and `{vm}`, Sentry 1 has the plain name and Sentry n > 1 has it with `-n`. What
   * all Sentries share has no number.
   */
  names: z.strictObject({
    networkSecurityGroup: template,
    userAssignedIdentity: template,
    application: template,
    virtualMachine: template,
    networkInterface: template,
    virtualNetwork: template,
    subnet: template,
    natGateway: template,
    egressAddress: template,
    windowAddress: template,
    image: template,
    inboundRule: z.string().includes('{port}', { error: 'holds no {port}, so two rules would have one name' }),
  }),
  roles: z.strictObject({ always: z.array(role).min(1), controller: z.array(role) }),
  graphPermissions: z.array(z.strictObject({ value: z.string(), id: z.guid() })),
  appliance: appliance.optional(),
});
export type Profile = z.infer<typeof profileSchema>;
export type NameKey = Exclude<keyof Profile['names'], 'inboundRule'>;

/**
 * A profile describes a kind of collector as data, so that another collector needs another file in `profiles/`
 * and no code. `profiles/cloudknox-sentry.json` is the install guide; docs/profiles.md says how to write one. Pure.
 */
import { z } from 'zod';
import { adminUsername } from './adminUsername';
import { someOf } from './request/parts';

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

const text = z.string().min(1, { error: 'is empty' });

const readable = (source: string): boolean => {
  try {
    return new RegExp(source, 'i') instanceof RegExp;
  } catch {
    return false;
  }
};
/** What has nothing in common: a pattern that matches each of them tells nothing apart. */
const UNLIKE = ['a', '0', '?'];
const pattern = z
  .string()
  .refine(readable, { error: 'is not a regular expression', abort: true })
  .refine((source) => !new RegExp(source, 'i').test(''), {
    error: 'matches an empty text, and so everything',
    abort: true,
  })
  .refine((source) => !UNLIKE.every((text) => new RegExp(source, 'i').test(text)), {
    error: 'matches any text, whatever the script says',
  });

const role = z.strictObject({ name: text, id: z.guid({ error: 'is not a GUID' }).toLowerCase() });

const prompt = z.strictObject({
  /** What the script says, as a regular expression that is not particular about case. */
  match: pattern,
  /** What it asks for, in words for a person who runs the script by hand. */
  label: text,
  answer: z.enum(answerKeys),
  /** The answer is blotted out of every transcript. */
  secret: z.boolean().default(false),
  /**
   * What to do where the script asks the same again, because it did not take the answer: give it again, three times at
   * most (`retry`), or stop there and then (`stop`): a secret is not offered twice.
   */
  onRepeat: z.enum(['retry', 'stop']).default('retry'),
});

/** How the script is answered where nobody is at a terminal: by run command, as root, everything ready on its input. */
const unattended = z.strictObject({
  /** Without `sudo`: that wants a terminal. */
  command: text,
  /** In the order in which the script asks. What there is no answer for (a managed identity has no secret) is not asked either. */
  answers: z.array(z.enum(answerKeys)).min(1),
  /** What it asks before all else where it was set up before: how that is seen in its output, and what is answered. */
  again: z.strictObject({ match: pattern, answers: z.array(z.enum(answerKeys)).min(1) }).optional(),
});
export type Unattended = z.infer<typeof unattended>;

const script = z.strictObject({
  command: text,
  /** A prompt is the text at the end of the output while the script waits. The first pattern that matches is answered. */
  prompts: z.array(prompt),
  /** How the script's end is read; the first pattern found anywhere in its output decides. */
  endings: z.array(z.strictObject({ match: pattern, means: z.enum(['configured', 'wrongPin', 'failed']) })),
  /** Absent where the script can be answered at a terminal alone: then there is no run command. */
  unattended: unattended.optional(),
});
export type Script = z.infer<typeof script>;

/** Placeholders of a name: the deployment's name, the Sentry's number, the name of its VM. */
export const PLACEHOLDER = /\{(name|n|vm)\}/g;
const template = z
  .string()
  .regex(/^[^{}]*(\{(name|n|vm)\}[^{}]*)*$/, { error: 'holds a placeholder other than {name}, {n} and {vm}' });

/** The VM that collects. A profile without it is identity and roles alone: what collects runs somewhere else. */
const appliance = z.strictObject({
  vm: z.strictObject({ size: text, adminUsername }),
  image: z.strictObject({
    publisher: text,
    offer: text,
    plan: text,
    /** azure-rest-api-specs, ImageReference: "Major.Minor.Build or 'latest'". */
    version: z
      .string()
      .regex(/^(latest|\d+\.\d+\.\d+)$/i, { error: "is neither 'latest' nor three numbers, such as 1.0.20" }),
    /** Whether the Azure VM agent runs in it: without one there is no run command. */
    agent: z.boolean(),
    /** Of the same machine as a VHD: Azure cannot tell it from the file. */
    hyperVGeneration: z.enum(['V1', 'V2']),
  }),
  /** TCP ports that may be opened for configuration. The first is the one that the set-up script is reached by. */
  ports: someOf(z.int().min(1).max(65535), 'The port'),
  /** Hosts beside Azure's and Entra's own that the appliance must reach on 443. */
  outboundHosts: z.array(z.hostname()),
  script,
});

/**
 * Templates. Of one without `{n}` and `{vm}`, Sentry 1 has the plain name and Sentry n > 1 has it with `-n`. What all
 * Sentries share has no number. A profile names only what it cares for.
 */
const names = z.strictObject({
  networkSecurityGroup: template.default('{name}-nsg'),
  userAssignedIdentity: template.default('{name}-identity'),
  application: template.default('{name}-app'),
  virtualMachine: template.default('{name}-vm'),
  networkInterface: template.default('{vm}-nic'),
  virtualNetwork: template.default('{name}-vnet'),
  subnet: template.default('sentry'),
  natGateway: template.default('{name}-egress'),
  egressAddress: template.default('{name}-egress-ip'),
  windowAddress: template.default('{name}-{n}-window'),
  image: template.default('{name}-image'),
  /** Of the security rule of each port, `{port}`. */
  inboundRule: z
    .string()
    .regex(/^[^{}]*\{port\}[^{}]*$/, { error: 'has to hold {port} once, and no other placeholder' })
    .default('Port_{port}'),
});

export const profileSchema = z.strictObject({
  id: text,
  title: text,
  /** The most subscriptions that one Sentry watches. */
  maxSubscriptions: z.int().min(1).max(50),
  names: names.prefault({}),
  /** At each subscription: always, and when the request enables the controller. */
  roles: z.strictObject({ always: z.array(role).min(1, { error: 'is empty' }), controller: z.array(role).default([]) }),
  /** Application permissions of Microsoft Graph. */
  graphPermissions: z.array(z.strictObject({ value: text, id: z.guid({ error: 'is not a GUID' }).toLowerCase() })),
  appliance: appliance.optional(),
});
export type Profile = z.infer<typeof profileSchema>;
export type NameKey = Exclude<keyof Profile['names'], 'inboundRule'>;

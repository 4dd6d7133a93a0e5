/**
 * The request, version 1: what one deployment is asked to be. Unknown fields are errors, so that a misspelt
 * safeguard is never ignored. Pure.
 */
import { z } from 'zod';
import { cidr, HOST_BITS, hasHostBits, opensTooMuch } from './addressRange';
import type { Profile } from './profile';
import { sshPublicKey } from './sshPublicKey';

const guid = z.guid({ error: 'is not a GUID' }).toLowerCase();
/** Azure's own limits on tags: docs "tag-resources". */
const tagName = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^<>%&\\?/]+$/, { error: 'holds a character that Azure does not allow in the name of a tag' })
  .refine((name) => !name.toLowerCase().startsWith('sentry-'), { error: 'is kept for our own marks' });
/** A vault's secret takes 15, of which three are ours. */
const MOST_TAGS = 12;
const resourceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,60}[A-Za-z0-9_]$/, { error: 'is not a name that Azure takes for a resource' });

/** azure-docs, "What are the username requirements when creating a VM?": the ones that a Linux user name can be. */
const RESERVED_USERS = [
  'root',
  'admin',
  'administrator',
  'user',
  'test',
  'guest',
  'sys',
  'support',
  'backup',
  'console',
];

const unique = <T extends z.ZodType>(item: T, what: string, identity = (value: z.output<T>) => JSON.stringify(value)) =>
  z.array(item).superRefine((values, context) => {
    const seen = new Set<string>();
    values.forEach((value, index) => {
      const id = identity(value);
      if (seen.has(id)) context.addIssue({ code: 'custom', path: [index], message: `${what} is listed twice` });
      seen.add(id);
    });
  });
const someOf = <T extends z.ZodType>(item: T, what: string) =>
  unique(item, what).min(1, { error: 'is an empty list; give at least one' });

const include = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ids'), ids: someOf(guid, 'The subscription') }),
  z.strictObject({ kind: z.literal('managementGroup'), id: z.string().min(1).max(90) }),
  z.strictObject({ kind: z.literal('tag'), name: z.string().min(1), value: z.string() }),
]);

/** Azure's subnets go from /2 to /29; private ranges alone make sense for one of ours (RFC 1918). */
const networkPrefix = z
  .cidrv4({ error: 'is not a CIDR range, such as 10.90.0.0/24' })
  .refine((text) => PRIVATE.test(text), { error: 'is not a private range (10/8, 172.16/12 or 192.168/16)' })
  .refine((text) => Number(text.split('/')[1]) <= 29, { error: 'is smaller than a /29, the smallest subnet of Azure' })
  .refine((text) => !hasHostBits(text), { error: HOST_BITS });
const PRIVATE = /^(10\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.)/;

const subnetId = z
  .string()
  .regex(
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/virtualNetworks\/[^/]+\/subnets\/[^/]+$/i,
    {
      error: 'is not the resource id of a subnet',
    },
  );

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
    tags: z
      .record(tagName, z.string().max(256))
      .refine((tags) => Object.keys(tags).length <= MOST_TAGS, { error: `has more than ${MOST_TAGS} tags` })
      .default({}),
    names: z
      .strictObject({
        networkSecurityGroup: resourceName.optional(),
        userAssignedIdentity: resourceName.optional(),
        application: z.string().min(1).max(100).optional(),
        virtualMachine: z
          .string()
          .regex(/^[A-Za-z0-9]([A-Za-z0-9-]{0,58}[A-Za-z0-9])?$/, { error: 'is not a name that a Linux VM can have' })
          .optional(),
      })
      .default({}),
    placement: z.strictObject({
      subscriptionId: guid,
      resourceGroup: z
        .string()
        .max(90)
        .regex(/^[\w().-]*[\w()-]$/, { error: 'is not a name that Azure takes for a resource group' }),
      location: z.string().regex(/^[a-z0-9]+$/, { error: 'is not the short name of a region, such as westeurope' }),
    }),
    vm: z.strictObject({
      size: z.string().optional(),
      adminUsername: z
        .string()
        .regex(/^[a-z_][a-z0-9_-]{0,31}$/, { error: 'is not a Linux user name' })
        .refine((name) => !RESERVED_USERS.includes(name), {
          error: 'is a name that Azure refuses for an administrator',
        })
        .optional(),
      sshPublicKeys: someOf(sshPublicKey, 'The key'),
    }),
    image: z.strictObject({ kind: z.literal('marketplace') }).default({ kind: 'marketplace' }),
    network: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('managed'),
        addressPrefix: networkPrefix,
        egress: z.literal('natGateway').default('natGateway'),
      }),
      z.strictObject({ kind: z.literal('existing'), subnetId }),
    ]),
    access: z.strictObject({
      kind: z.literal('temporaryPublicIp'),
      sourceAddresses: someOf(cidr, 'The range').superRefine((ranges, context) => {
        if (ranges.every((range) => cidr.safeParse(range).success) && opensTooMuch(ranges)) {
          context.addIssue({ code: 'custom', message: 'opens the ports to more than a /16 of IPv4 or a /32 of IPv6' });
        }
      }),
      ports: someOf(z.int().min(1).max(65535), 'The port').optional(),
      windowMinutes: z.int().min(5).max(240).default(60),
    }),
    identity: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('managedIdentity') }),
        z.strictObject({
          kind: z.literal('appRegistration'),
          secret: z
            .strictObject({
              description: z.string().min(1).max(120).default('Sentry collector'),
              /** Entra's portal offers at most 24 months. */
              expiresInDays: z.int().min(1).max(730).default(180),
            })
            .default({ description: 'Sentry collector', expiresInDays: 180 }),
        }),
      ])
      .default({ kind: 'managedIdentity' }),
    controller: z.strictObject({ enabled: z.boolean() }).default({ enabled: false }),
    subscriptions: z
      .strictObject({
        include: z.array(include),
        exclude: unique(guid, 'The subscription').default([]),
        onboardNew: z.boolean().default(false),
        grantAt: z.literal('subscription').default('subscription'),
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
    configuration: z.strictObject({ kind: z.literal('ssh') }).default({ kind: 'ssh' }),
  })
  .meta({ id: 'deployment' });
export type DeploymentRequest = z.output<typeof requestSchema>;

/** One thing wrong with a request: where (RFC 6901) and what. */
export interface Fault {
  readonly pointer: string;
  readonly detail: string;
}

export type Parsed =
  | { readonly kind: 'request'; readonly request: DeploymentRequest; readonly profile: Profile }
  | { readonly kind: 'faults'; readonly faults: readonly Fault[] };

/**
 * Reads a request, naming every fault at once. What depends on where the app runs (its tenant, the profiles that it
 * has) is checked here too, so that a fault never surfaces half-way through a deployment.
 */
export function parseRequest(body: unknown, tenantId: string, profiles: Readonly<Record<string, Profile>>): Parsed {
  const parsed = requestSchema.safeParse(body);
  const faults = parsed.success ? [] : parsed.error.issues.flatMap((issue) => toFaults(issue, body));
  const given = z.looseObject({ tenantId: z.string(), profile: z.string() }).partial().safeParse(body).data ?? {};
  if (given.tenantId && z.guid().safeParse(given.tenantId).success && given.tenantId.toLowerCase() !== tenantId) {
    faults.push({ pointer: '/tenantId', detail: `is not this app's tenant, ${tenantId}` });
  }
  const id = given.profile ?? 'cloudknox-sentry';
  const profile = Object.hasOwn(profiles, id) ? profiles[id] : undefined;
  if (!profile) {
    faults.push({
      pointer: '/profile',
      detail: `is not a profile of this app; it has ${Object.keys(profiles).join(', ')}`,
    });
  }
  const ports = parsed.data?.access.ports ?? [];
  ports.forEach((port, index) => {
    if (profile && !profile.ports.includes(port)) {
      faults.push({
        pointer: `/access/ports/${index}`,
        detail: `is not a port of the profile (${profile.ports.join(', ')})`,
      });
    }
  });
  return parsed.success && profile && faults.length === 0
    ? { kind: 'request', request: parsed.data, profile }
    : { kind: 'faults', faults };
}

/**
 * An unknown field is named itself, not its parent, and what is absent is called absent: a field's own message speaks of
 * values. `body` is what was read.
 */
export function toFaults(issue: z.core.$ZodIssue, body?: unknown): Fault[] {
  const pointer = pointerTo(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: `${pointer}/${escape(key)}`, detail: 'is not a field of the request' }));
  }
  const absent = body !== undefined && issue.path.length > 0 && valueAt(body, issue.path) === undefined;
  return [{ pointer, detail: absent ? 'is missing' : inWords(issue) }];
}

/** zod's own words name its types; ours say what to write. A message that we gave stays. */
function inWords(issue: z.core.$ZodIssue): string {
  if (!/^(Invalid|Too) /.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `is not of type ${issue.expected}`;
    case 'too_small':
      return `is less than ${String(issue.minimum)}`;
    case 'too_big':
      return `is more than ${String(issue.maximum)}`;
    case 'invalid_value':
      return `is not ${issue.values.map(String).join(' or ')}`;
    case 'invalid_union':
      return 'is of no kind that is known here';
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

const valueAt = (body: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined),
    body,
  );

const pointerTo = (path: readonly PropertyKey[]): string => path.map((step) => `/${escape(String(step))}`).join('');
const escape = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1');

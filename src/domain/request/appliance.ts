/** The fields of a request that describe the appliance: VM, image, network, access and how it is set up. Pure. */
import { z } from 'zod';
import { adminUsername } from '../adminUsername';
import { cidr, HOST_BITS, hasHostBits, opensTooMuch } from '../addressRange';
import { sshPublicKey } from '../sshPublicKey';
import { windowMinutes } from '../window';
import { armId, someOf } from './parts';

export const vm = z.strictObject({
  size: z.string().optional(),
  adminUsername: adminUsername.optional(),
  sshPublicKeys: someOf(sshPublicKey, 'The key'),
  securityType: z.enum(['Standard', 'TrustedLaunch']).optional(),
  encryptionAtHost: z.boolean().optional(),
  osDisk: z
    .strictObject({
      diskEncryptionSetId: armId('Microsoft.Compute', ['diskEncryptionSets'], 'a disk encryption set'),
    })
    .optional(),
});

/** What stands in a URL beside host and path may let somebody in: a SAS, another cloud's signature, a password. */
const hasMore = (text: string): boolean => {
  const { search, hash, username, password } = new URL(text);
  return [search, hash, username, password].some((part) => part !== '');
};
const vhdUri = z
  .url({ protocol: /^https$/, error: 'is not an https URL' })
  .refine((text) => !URL.canParse(text) || !hasMore(text), {
    error:
      'has more than a host and a path, which may be a secret (a SAS, a password): the request is stored and shown. Put the whole URL into the app’s Key Vault and give the URI of that secret',
  });

export const image = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('marketplace') }),
  z.strictObject({
    kind: z.literal('vhd'),
    /** Of a page blob that may be read without a key, or of the vault's secret that holds such a URL with its SAS. */
    uri: vhdUri,
    /** Where the VHD is copied to. It must lie in the region of the VM. */
    storageAccountId: armId('Microsoft.Storage', ['storageAccounts'], 'a storage account'),
    container: z
      .string()
      .regex(/^[a-z0-9](-?[a-z0-9]){2,62}$/, { error: 'is not a name that Azure takes for a container' }),
  }),
  z.strictObject({
    kind: z.literal('image'),
    id: z.union(
      [
        armId('Microsoft.Compute', ['images'], 'an image'),
        armId('Microsoft.Compute', ['galleries', 'images', 'versions'], 'a version in a gallery'),
      ],
      { error: 'is not the resource id of an image or of a version in a gallery' },
    ),
  }),
]);

/** Azure's subnets go from /2 to /29; private ranges alone make sense for one of ours (RFC 1918). */
const PRIVATE = /^(10\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.)/;
const networkPrefix = z
  .cidrv4({ error: 'is not a CIDR range, such as 10.90.0.0/24' })
  .refine((text) => PRIVATE.test(text), { error: 'is not a private range (10/8, 172.16/12 or 192.168/16)' })
  .refine((text) => Number(text.split('/')[1]) <= 29, { error: 'is smaller than a /29, the smallest subnet of Azure' })
  .refine((text) => !hasHostBits(text), { error: HOST_BITS });

export const network = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('managed'),
    addressPrefix: networkPrefix,
    egress: z.literal('natGateway').default('natGateway'),
  }),
  z.strictObject({
    kind: z.literal('existing'),
    subnetId: armId('Microsoft.Network', ['virtualNetworks', 'subnets'], 'a subnet'),
  }),
]);

/**
 * azure-docs, "Azure subscription limits": "IP addresses and ranges specified for source or destination in a security
 * group", all its rules together (cloud-provider-azure#2725).
 */
export const MOST_RULE_ADDRESSES = 4_000;
export const RULE_ADDRESSES = `Azure takes ${MOST_RULE_ADDRESSES} in all rules of a security group (azure-docs, Azure subscription limits); give fewer, wider ranges`;

const window = {
  sourceAddresses: someOf(cidr, 'The range').superRefine((ranges, context) => {
    if (ranges.length > MOST_RULE_ADDRESSES) {
      context.addIssue({ code: 'custom', message: `has ${ranges.length} ranges; ${RULE_ADDRESSES}` });
    } else if (ranges.every((range) => cidr.safeParse(range).success) && opensTooMuch(ranges)) {
      context.addIssue({ code: 'custom', message: 'opens the ports to more than a /16 of IPv4 or a /32 of IPv6' });
    }
  }),
  ports: someOf(z.int().min(1).max(65535), 'The port').optional(),
  windowMinutes: windowMinutes.default(60),
};
export const access = z.discriminatedUnion('kind', [
  /** A public address that is made for the window and gone after it. */
  z.strictObject({ kind: z.literal('temporaryPublicIp'), ...window }),
  /** The appliance's private address: person and app reach it through a VPN or a peered network. */
  z.strictObject({ kind: z.literal('private'), ...window }),
]);

export const configuration = z.strictObject({ kind: z.enum(['ssh', 'runCommand', 'manual']) });

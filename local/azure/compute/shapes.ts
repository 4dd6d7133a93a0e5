import { z } from 'zod';
import { reference } from '../network/references';

const imageReference = z.looseObject({
  id: z.string().optional(),
  publisher: z.string().optional(),
  offer: z.string().optional(),
  sku: z.string().optional(),
  version: z.string().optional(),
});

export const plan = z.looseObject({ name: z.string(), publisher: z.string(), product: z.string() });
export type Plan = z.infer<typeof plan>;

const sshKey = z.looseObject({ path: z.string().optional(), keyData: z.string().optional() });

const osProfile = z.looseObject({
  computerName: z.string().optional(),
  adminUsername: z.string().optional(),
  adminPassword: z.string().optional(),
  customData: z.string().optional(),
  linuxConfiguration: z
    .looseObject({
      disablePasswordAuthentication: z.boolean().optional(),
      ssh: z.looseObject({ publicKeys: z.array(sshKey).default([]) }).optional(),
    })
    .optional(),
});
export type OsProfile = z.infer<typeof osProfile>;

/** Names in any case: the Azure CLI writes `fromImage`. */
const oneOf = <T extends string>(names: readonly [T, ...T[]]) =>
  z.preprocess(
    (asked) => names.find((name) => typeof asked === 'string' && name.toLowerCase() === asked.toLowerCase()) ?? asked,
    z.enum(names),
  );

/** What is null is as if it were not there: the Azure CLI writes null for every option that was not given. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const given = Object.entries(value).filter(([, one]) => one !== null);
  return Object.fromEntries(given.map(([name, one]) => [name, withoutNulls(one)]));
}

const deleteOption = oneOf(['Delete', 'Detach']).optional();

const disk = z.looseObject({
  name: z.string().optional(),
  createOption: oneOf(['FromImage', 'Attach', 'Empty', 'Copy', 'Restore']),
  deleteOption,
  osType: oneOf(['Linux', 'Windows']).optional(),
  diskSizeGB: z.number().int().optional(),
  managedDisk: z
    .looseObject({
      id: z.string().optional(),
      storageAccountType: z.string().optional(),
      diskEncryptionSet: reference.optional(),
      /** Of a confidential machine, whose state is encrypted with the disk. */
      securityProfile: z.looseObject({ diskEncryptionSet: reference.optional() }).optional(),
    })
    .optional(),
});
export type VmDisk = z.infer<typeof disk>;

const given = z.looseObject({
  hardwareProfile: z.looseObject({ vmSize: z.string() }),
  storageProfile: z.looseObject({
    imageReference: imageReference.optional(),
    osDisk: disk.prefault({ createOption: 'FromImage' }),
    dataDisks: z.array(disk.extend({ lun: z.number().int().min(0).max(63) })).default([]),
  }),
  osProfile: osProfile.optional(),
  securityProfile: z
    .looseObject({ encryptionAtHost: z.boolean().optional(), securityType: z.string().optional() })
    .optional(),
  diagnosticsProfile: z
    .looseObject({
      bootDiagnostics: z.looseObject({ enabled: z.boolean().optional(), storageUri: z.string().optional() }).optional(),
    })
    .optional(),
  networkProfile: z.looseObject({
    networkInterfaces: z
      .array(
        reference.extend({ properties: z.looseObject({ primary: z.boolean().optional(), deleteOption }).optional() }),
      )
      .min(1),
  }),
});
export const vmProperties = z.preprocess(withoutNulls, given);
export type VmProperties = z.infer<typeof vmProperties>;

export const vmIdentity = z.looseObject({
  type: z.string(),
  userAssignedIdentities: z.record(z.string(), z.unknown()).default({}),
});

/** What a VM does that its resource does not say. Times are epoch milliseconds. */
export const vmHidden = z.object({
  /** What it is, or is on its way to be. */
  power: z.enum(['running', 'stopped', 'deallocated']).default('running'),
  /** From when it runs; the power state before that is `starting`. */
  startedAt: z.number(),
  /** When a stop or deallocation ends. */
  settledAt: z.number().default(0),
  /** When the run command (v1) that runs now ends. */
  commandEndsAt: z.number().default(0),
  generalized: z.boolean().default(false),
});

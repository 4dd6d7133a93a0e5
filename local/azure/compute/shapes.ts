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

const sshKey = z.looseObject({ path: z.string().optional(), keyData: z.string() });

const osProfile = z.looseObject({
  computerName: z.string().optional(),
  adminUsername: z.string(),
  adminPassword: z.string().optional(),
  linuxConfiguration: z
    .looseObject({
      disablePasswordAuthentication: z.boolean().optional(),
      ssh: z.looseObject({ publicKeys: z.array(sshKey).default([]) }).optional(),
    })
    .optional(),
});

const deleteOption = z.enum(['Delete', 'Detach']).optional();

export const vmProperties = z.looseObject({
  hardwareProfile: z.looseObject({ vmSize: z.string() }),
  storageProfile: z.looseObject({
    imageReference: imageReference.optional(),
    osDisk: z
      .looseObject({
        name: z.string().optional(),
        createOption: z.string(),
        deleteOption,
        managedDisk: z.looseObject({ id: z.string().optional(), storageAccountType: z.string().optional() }).optional(),
      })
      .prefault({ createOption: 'FromImage' }),
  }),
  osProfile: osProfile.optional(),
  networkProfile: z.looseObject({
    networkInterfaces: z
      .array(
        reference.extend({ properties: z.looseObject({ primary: z.boolean().optional(), deleteOption }).optional() }),
      )
      .min(1),
  }),
});
export type VmProperties = z.infer<typeof vmProperties>;

export const vmIdentity = z.looseObject({
  type: z.string(),
  userAssignedIdentities: z.record(z.string(), z.unknown()).default({}),
});

/** What a VM does that its resource does not say. */
export const vmHidden = z.object({
  power: z.enum(['running', 'stopped', 'deallocated']).default('running'),
  /** Epoch milliseconds from which it runs; the power state before that is `starting`. */
  startedAt: z.number(),
});

import { z } from 'zod';
import type { Azure } from '../azure/ports';
import { kinds } from '../domain/resources';
import { armEffects, type Effects } from './effects';
import { mergedInto } from './merge';

const reference = z.looseObject({ id: z.string() });
/** A NIC as it is read, with whatever another hand set kept: it goes back with the next PUT. */
export const networkInterfaceBody = z.looseObject({
  etag: z.string().optional(),
  location: z.string(),
  tags: z.record(z.string(), z.string()).default({}),
  /** Absent where another hand took it off: the rest must still be readable, or a window could not close. */
  networkSecurityGroup: reference.optional(),
  ipConfigurations: z
    .array(
      z.looseObject({
        name: z.string(),
        subnet: reference,
        /** Static where another hand made it so: a window must close on it all the same. */
        privateIPAllocationMethod: z.enum(['Dynamic', 'Static']),
        privateIPAddress: z.string().optional(),
        publicIPAddress: reference.optional(),
      }),
    )
    .min(1),
});

/** Guide, "Networking": the NIC with the security group on it. What else it has (a public IP for a while) is kept. */
export const networkInterface = ({ arm }: Azure): Effects<'networkInterface'> => ({
  ...armEffects<'networkInterface'>(arm.networkInterface, (body) => {
    const privateIPAddress = networkInterfaceBody.safeParse(body).data?.ipConfigurations[0]?.privateIPAddress;
    return privateIPAddress === undefined ? {} : { outputs: { privateIPAddress } };
  }),
  put: ({ id, wanted }, observed) => {
    const shown = networkInterfaceBody.safeParse(observed?.value).data;
    const ipConfigurations = wanted.ipConfigurations.map((configuration) => ({
      ...shown?.ipConfigurations.find(({ name }) => name === configuration.name),
      ...configuration,
    }));
    const merged = mergedInto(shown, { ...wanted, ipConfigurations }, kinds.networkInterface.exact);
    return arm.networkInterface.put(id, merged, observed?.etag);
  },
});

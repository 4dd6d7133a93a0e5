import type { Azure } from '../azure/ports';
import type { SpecOf } from '../domain/resources';
import type { Effects } from './effects';
import { networkInterfaceBody } from './networkInterface';

/**
 * Guide, "assign a new public IP for the sentry temporarily". PUT replaces in Azure, so the NIC is read, merged and
 * put with If-Match: an outside change between the two is seen, not lost.
 */
export const publicIPAssociation = ({ arm }: Azure): Effects<'publicIPAssociation'> => {
  const read = async ({ wanted }: SpecOf<'publicIPAssociation'>) => {
    const body = await arm.networkInterface.get(wanted.networkInterfaceId);
    return body && networkInterfaceBody.parse(body);
  };
  const write = async (spec: SpecOf<'publicIPAssociation'>, publicIPAddress?: { readonly id: string }) => {
    const body = await read(spec);
    if (!body) return {};
    const ipConfigurations = body.ipConfigurations.map(({ publicIPAddress: other, ...configuration }, index) => {
      const wanted = index === 0 ? publicIPAddress : other;
      return { ...configuration, ...(wanted ? { publicIPAddress: wanted } : {}) };
    });
    const { networkSecurityGroup: group, ...rest } = body;
    const merged = { ...rest, ...(group ? { networkSecurityGroup: group } : {}), ipConfigurations };
    return arm.networkInterface.put(spec.wanted.networkInterfaceId, merged, body.etag);
  };
  return {
    observe: async (spec) => {
      const body = await read(spec);
      const id = body?.ipConfigurations[0]?.publicIPAddress?.id;
      if (id === undefined) return undefined;
      // Another address than ours is somebody else's: it is neither replaced nor taken away.
      const isOurs = id.toLowerCase() === spec.wanted.publicIPAddressId.toLowerCase();
      return {
        value: { networkInterfaceId: spec.wanted.networkInterfaceId, publicIPAddressId: id },
        ours: isOurs,
        outputs: { id },
      };
    },
    put: (spec) => write(spec, { id: spec.wanted.publicIPAddressId }),
    remove: (spec) => write(spec),
  };
};

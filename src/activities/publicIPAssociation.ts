import type { Azure } from '../azure/ports';
import type { Refused } from '../domain/outcome';
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
      const { networkInterfaceId, publicIPAddressId } = spec.wanted;
      const first = (await read(spec))?.ipConfigurations[0];
      const id = first?.publicIPAddress?.id;
      if (id === undefined) return undefined;
      // Another address than ours is somebody else's: it is neither replaced nor taken away.
      const ours = id.toLowerCase() === publicIPAddressId.toLowerCase();
      return {
        value: { networkInterfaceId, publicIPAddressId: id },
        ours,
        ...(ours ? {} : { obstacle: otherAddress(id, networkInterfaceId, first?.name ?? '') }),
        outputs: { id },
      };
    },
    put: (spec) => write(spec, { id: spec.wanted.publicIPAddressId }),
    remove: (spec) => write(spec),
  };
};

function otherAddress(id: string, networkInterfaceId: string, configuration: string): Refused {
  const [, , , , group = '', , , , name = ''] = networkInterfaceId.split('/');
  return {
    kind: 'refused',
    code: 'OtherAddressAttached',
    reason: `The network interface bears the public address '${id}', which is not the window's, and can bear no second one`,
    remedy: `See who put it there, and take it off: \`az network nic ip-config update --resource-group ${group} --nic-name ${name} --name ${configuration} --public-ip-address null\`. Then open the window again, or send the same request again.`,
  };
}

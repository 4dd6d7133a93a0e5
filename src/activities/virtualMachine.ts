import { z } from 'zod';
import type { Azure } from '../azure/ports';
import type { Wanted } from '../domain/resources';
import { armEffects, type Effects } from './effects';

/**
 * Guide, "Creating the CloudKnox Sentry from the image": the appliance, its identity attached from the first boot.
 * Azure shows the keys of the first PUT for ever and lets nobody change them, while ours is replaced in each session:
 * one of ours is as good as another here, and what Azure shows is what a later PUT sends.
 */
export const virtualMachine = ({ arm }: Azure): Effects<'virtualMachine'> => {
  const plain = armEffects<'virtualMachine'>(arm.virtualMachine);
  return {
    ...plain,
    observe: async (spec) => {
      const observed = await plain.observe(spec);
      return observed && { ...observed, value: withKeysOf(observed.value, spec.wanted) };
    },
    put: async (spec, observed) => {
      const shown = observed && withProfile.safeParse(await arm.virtualMachine.get(spec.id)).data;
      const publicKeys = shown?.osProfile.linuxConfiguration.ssh.publicKeys;
      const wanted = publicKeys ? replaceKeys(spec.wanted, publicKeys) : spec.wanted;
      return plain.put({ ...spec, wanted: withIdentities(wanted) }, observed);
    },
  };
};

/** Azure tells an identity's principal, and is told its id alone. */
function withIdentities(machine: Wanted['virtualMachine']): Wanted['virtualMachine'] {
  const { identity } = machine;
  if (!identity) return machine;
  const ids = Object.keys(identity.userAssignedIdentities).map((id) => [id, {}] as const);
  return { ...machine, identity: { ...identity, userAssignedIdentities: Object.fromEntries(ids) } };
}

const key = z.object({ path: z.string(), keyData: z.string() });
const withProfile = z.looseObject({
  osProfile: z.looseObject({
    linuxConfiguration: z.looseObject({ ssh: z.looseObject({ publicKeys: z.array(key) }) }),
  }),
});
type Key = z.infer<typeof key>;

/** What Azure shows, with our key of now in the place of our key of then: they have the same comment. */
function withKeysOf(value: object, wanted: Wanted['virtualMachine']): object {
  const shown = withProfile.safeParse(value).data;
  if (!shown) return value;
  const { publicKeys } = shown.osProfile.linuxConfiguration.ssh;
  const wantedKeys = wanted.osProfile.linuxConfiguration.ssh.publicKeys;
  return replaceKeys(
    shown,
    publicKeys.map((one) => wantedKeys.find((ours) => isReplaced(one, ours)) ?? one),
  );
}

/** The name of the vault's secret is the comment of our keys, and of nobody else's. */
const isReplaced = (shown: Key, wanted: Key): boolean => {
  const comment = (keyData: string): string => keyData.trim().split(/\s+/)[2] ?? '';
  return /^sentry-.+-ssh$/.test(comment(wanted.keyData)) && comment(shown.keyData) === comment(wanted.keyData);
};

const replaceKeys = <P extends { osProfile: { linuxConfiguration: { ssh: { publicKeys: Key[] } } } }>(
  machine: P,
  publicKeys: Key[],
): P => {
  const { osProfile } = machine;
  const { linuxConfiguration } = osProfile;
  const ssh = { ...linuxConfiguration.ssh, publicKeys };
  return { ...machine, osProfile: { ...osProfile, linuxConfiguration: { ...linuxConfiguration, ssh } } };
};

import { z } from 'zod';
import type { Azure } from '../azure/ports';
import { isFederationOf } from '../domain/blueprint/identity';
import { armEffects, type Effects, observedArm } from './effects';
import { sameTrust, toldOfTaken, trustOutputs } from './trust';

const shown = z.looseObject({
  name: z.string(),
  issuer: z.string(),
  subject: z.string(),
  audiences: z.array(z.string()),
});

/** The same for a user-assigned identity, below which it is a resource without tags: its name says whose it is. */
export const identityFederatedCredential = ({ arm }: Azure): Effects<'identityFederatedCredential'> => ({
  ...armEffects<'identityFederatedCredential'>(arm.identityFederatedCredential),
  observe: async (spec) => {
    const body = await arm.identityFederatedCredential.get(spec.id);
    if (!body) return undefined;
    const trust = shown.parse(body);
    const told = { ours: isFederationOf(spec.deployment, trust.name), outputs: trustOutputs(trust) };
    return { ...observedArm(body, spec, told), value: sameTrust(trust, spec.wanted) };
  },
  put: async ({ id, wanted }) => {
    const [identity = ''] = id.split('/federatedIdentityCredentials/');
    const [, , , , group = '', , , , name = ''] = identity.split('/');
    const list = `\`az identity federated-credential list --identity-name ${name} --resource-group ${group}\``;
    await toldOfTaken(`the identity '${identity}'`, list, 0, arm.identityFederatedCredential.put(id, wanted));
    return { outputs: { id, ...trustOutputs(wanted) } };
  },
});

import { z } from 'zod';
import type { Azure } from '../azure/ports';
import type { Effects } from './effects';

const shown = z.looseObject({ registrationState: z.string() });

/** In any other state (NotRegistered, Unregistering, Unregistered) there is none yet. */
const STANDS = ['Registered', 'Registering'];

/** The subscription's registration with a resource provider. One that was registered by anyone does; it is never undone. */
export const providerRegistration = ({ arm }: Azure): Effects<'providerRegistration'> => ({
  observe: async ({ id }) => {
    const body = await arm.providerRegistration.get(id);
    if (!body) return undefined;
    const { registrationState } = shown.parse(body);
    if (!STANDS.includes(registrationState)) return undefined;
    const provisioning = registrationState === 'Registering' ? 'busy' : undefined;
    return { value: { registrationState }, ours: false, outputs: { id }, provisioning };
  },
  put: ({ id, wanted }) => arm.providerRegistration.put(id, wanted),
  remove: async () => ({ ours: false }),
});

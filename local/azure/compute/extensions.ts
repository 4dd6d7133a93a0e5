import { z } from 'zod';
import { tracked, type Kind } from '../arm/kind';
import { demandRunning, machineOf } from './runCommand';

const properties = z.looseObject({
  publisher: z.string(),
  type: z.string(),
  typeHandlerVersion: z.string(),
  autoUpgradeMinorVersion: z.boolean().default(true),
  settings: z.record(z.string(), z.unknown()).optional(),
  protectedSettings: z.record(z.string(), z.unknown()).optional(),
});

/** Extensions are kept and shown, their protected settings not; what they would do inside the machine is not simulated. */
export const extensions: Kind = {
  type: 'Microsoft.Compute/virtualMachines/extensions',
  timing: { put: 'virtualMachineUpdate', remove: 'virtualMachineUpdate' },
  phases: ['Creating', 'Updating'],
  schema: tracked(properties),
  readOnly: ['instanceView'],
  prepare(azure, put) {
    const vm = machineOf(azure, put.id);
    demandRunning(azure, vm);
    const { protectedSettings: _, ...shown } = properties.parse(put.body.properties);
    return { document: { ...put.body, properties: shown } };
  },
};

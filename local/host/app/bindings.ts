/** Which triggers and bindings the host knows. */
import { AppError } from '../appError';
import { type Binding, type FunctionMetadata } from './coreTypes';

const TRIGGERS = [
  'httpTrigger',
  'timerTrigger',
  'eventGridTrigger',
  'orchestrationTrigger',
  'activityTrigger',
  'entityTrigger',
  // Never fires here: there is no instance to warm up.
  'warmupTrigger',
];
const OTHERS = ['in durableClient', 'in orchestrationClient', 'out http'];

const isIn = (known: readonly string[], given: string): boolean =>
  known.some((one) => one.toLowerCase() === given.toLowerCase());

/** @throws AppError for a trigger that the host does not know, or none at all */
export function triggerOf({ name, bindings }: FunctionMetadata): Binding {
  const trigger = Object.values(bindings).find(({ type }) => /trigger$/i.test(type));
  if (trigger && isIn(TRIGGERS, trigger.type)) return trigger;
  const what = trigger ? `has the trigger '${trigger.type}', which this host does not know` : 'has no trigger';
  const without = `To run the app without this function, set AzureWebJobs.${name}.Disabled to true in local.settings.json`;
  throw new AppError(`Function '${name}' ${what}. It knows: ${TRIGGERS.join(', ')}. ${without}.`);
}

/** Bindings that the function has and nothing serves: an input stays undefined, an output is dropped. */
export const unservedBindings = ({ bindings }: FunctionMetadata): string[] =>
  Object.values(bindings)
    .filter(({ type, direction }) => !/trigger$/i.test(type) && !isIn(OTHERS, `${direction ?? ''} ${type}`))
    .map(({ type }) => type);

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

/** Each function with its trigger. @throws AppError that names every function whose trigger the host does not know */
export function withTriggers<T extends { readonly metadata: FunctionMetadata }>(
  functions: readonly T[],
): { readonly registered: T; readonly trigger: Binding }[] {
  const refused: { name: string; text: string }[] = [];
  const known = functions.flatMap((registered) => {
    const { name, bindings } = registered.metadata;
    const trigger = Object.values(bindings).find(({ type }) => /trigger$/i.test(type));
    if (trigger && isIn(TRIGGERS, trigger.type)) return [{ registered, trigger }];
    const what = trigger ? `the trigger '${trigger.type}', which this host does not know` : 'no trigger';
    refused.push({ name, text: `Function '${name}' has ${what}.` });
    return [];
  });
  if (refused.length === 0) return known;
  const settings = refused.map(({ name }) => `AzureWebJobs.${name}.Disabled`).join(', ');
  throw new AppError(
    `${refused.map(({ text }) => text).join(' ')} It knows: ${TRIGGERS.join(', ')}. To run the app without, set to true in local.settings.json: ${settings}.`,
  );
}

/** Bindings that the function has and nothing serves: an input stays undefined, an output is dropped. */
export const unservedBindings = ({ bindings }: FunctionMetadata): string[] =>
  Object.values(bindings)
    .filter(({ type, direction }) => !/trigger$/i.test(type) && !isIn(OTHERS, `${direction ?? ''} ${type}`))
    .map(({ type }) => type);

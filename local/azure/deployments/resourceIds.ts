import { ExpressionError } from './expressions';
import { subscriptionOf } from '../http/paths';

/** `/a/providers/Ns/one/x/two/y` of the type `Ns/one/two` and the names x and y; resource groups are their own kind. */
export function idWithin(scope: string, type: string, names: readonly string[]): string {
  const [namespace = '', ...types] = type.split('/');
  if (types.length !== names.length)
    throw new ExpressionError(`The type '${type}' and the name '${names.join('/')}' have different numbers of segments.`); // prettier-ignore
  if (/^Microsoft\.Resources\/resourceGroups$/i.test(type))
    return `/subscriptions/${subscriptionOf(scope) ?? ''}/resourceGroups/${names.join('')}`;
  if (/^Microsoft\.Resources\/subscriptions$/i.test(type)) return `/subscriptions/${names.join('')}`;
  return `${scope}/providers/${namespace}/${types.map((one, index) => `${one}/${names[index] ?? ''}`).join('/')}`;
}

/** `resourceId([subscriptionId], [resourceGroup], type, name, …)` as seen from a scope. */
export function resourceIdOf(scope: string, of: readonly string[]): string {
  const at = of.findIndex((one) => one.includes('/'));
  const type = of[at];
  if (type === undefined) throw new ExpressionError("The template function 'resourceId' needs a resource type.");
  const before = of.slice(0, at);
  const [group] = before.slice(-1);
  const subscription = before.length > 1 ? before[0] : subscriptionOf(scope);
  const base = group === undefined ? scope : `/subscriptions/${subscription ?? ''}/resourceGroups/${group}`;
  const names = of.slice(at + 1).flatMap((one) => one.split('/'));
  return idWithin(base, type, names);
}

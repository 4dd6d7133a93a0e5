/** The query parameters that a call takes: everything else is refused, so that a misspelt one is never ignored. */
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { Fault } from '../domain/faults';
import { invalid } from './problem';

/** All but those that are `known`, and the key, `code`. */
export const unknownParameters = (request: HttpRequest, known: readonly string[]): Fault[] =>
  [...request.query.keys()]
    .filter((name) => name !== 'code' && !known.includes(name))
    .map((name) => ({ pointer: `/${name}`, detail: 'is not a query parameter of this call' }));

/** A wish of yes or no; undefined where it was not given. Besides it only the key, `code`, is taken. */
export function readFlag(
  request: HttpRequest,
  flag: string,
): boolean | undefined | { readonly refusal: HttpResponseInit } {
  const faults = unknownParameters(request, [flag]);
  const given = request.query.get(flag);
  if (given !== null && given !== 'true' && given !== 'false')
    faults.push({ pointer: `/${flag}`, detail: 'is not true or false' });
  if (faults.length > 0) return { refusal: invalid(faults) };
  return given === null ? undefined : given === 'true';
}

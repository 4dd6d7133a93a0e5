/** What zod found wrong, in the words of somebody who wrote JSON. Pure. */
import type { z } from 'zod';

/** One thing wrong with a request: where (RFC 6901) and what. */
export interface Fault {
  readonly pointer: string;
  readonly detail: string;
}

/**
 * An unknown field is named itself, not its parent, and what is absent is called absent: a field's own message speaks of
 * values. `body` is what was read, `of` what it is.
 */
export function toFaults(issue: z.core.$ZodIssue, body?: unknown, of = 'the request'): Fault[] {
  const pointer = pointerTo(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: `${pointer}/${escape(key)}`, detail: `is not a field of ${of}` }));
  }
  const absent = body !== undefined && issue.path.length > 0 && valueAt(body, issue.path) === undefined;
  return [{ pointer, detail: absent ? 'is missing' : inWords(issue) }];
}

/** zod's own words name its types; ours say what to write. A message that we gave stays. */
function inWords(issue: z.core.$ZodIssue): string {
  if (!/^(Invalid|Too) /.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `is not of type ${issue.expected}`;
    case 'too_small':
      return `is less than ${String(issue.minimum)}`;
    case 'too_big':
      return `is more than ${String(issue.maximum)}`;
    case 'invalid_value':
      return `is not ${issue.values.map(String).join(' or ')}`;
    case 'invalid_union':
      return 'is of no kind that is known here';
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

const valueAt = (body: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined),
    body,
  );

const pointerTo = (path: readonly PropertyKey[]): string => path.map((step) => `/${escape(String(step))}`).join('');
const escape = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1');

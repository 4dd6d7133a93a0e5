/** A request's ETag: changes when the request does, and with nothing else. */
import { createHash } from 'node:crypto';

/** The same for equal values, whatever the order of their fields. */
export const etagOf = (value: unknown): string =>
  createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16);

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  // A field that is undefined is none: it does not outlive its way through JSON.
  const present = Object.entries(value).filter(([, field]) => field !== undefined);
  const fields = present.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}

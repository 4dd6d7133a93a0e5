/** What several fields of a request are made of. Pure. */
import { z } from 'zod';

export const guid = z.guid({ error: 'is not a GUID' }).toLowerCase();

export const unique = <T extends z.ZodType>(
  item: T,
  what: string,
  identity = (value: z.output<T>) => JSON.stringify(value),
) =>
  z.array(item).superRefine((values, context) => {
    const seen = new Set<string>();
    values.forEach((value, index) => {
      const id = identity(value);
      if (seen.has(id)) context.addIssue({ code: 'custom', path: [index], message: `${what} is listed twice` });
      seen.add(id);
    });
  });
export const someOf = <T extends z.ZodType>(item: T, what: string) =>
  unique(item, what).min(1, { error: 'is an empty list; give at least one' });

/** The id of a resource in a resource group. `types` are the segments after its provider: `virtualNetworks`, `subnets`. */
export const armId = (provider: string, types: readonly string[], what: string) =>
  z
    .string()
    .regex(
      new RegExp(
        `^/subscriptions/[0-9a-f-]{36}/resourceGroups/[^/]+/providers/${provider.replace('.', '\\.')}${types.map((type) => `/${type}/[^/]+`).join('')}$`,
        'i',
      ),
      { error: `is not the resource id of ${what}` },
    );

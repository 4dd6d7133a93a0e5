import { z } from 'zod';
import { type Azure } from '../azure';

/** `{ "id": "/subscriptions/…" }`, perhaps with more that Azure ignores. */
export const reference = z.looseObject({ id: z.string().startsWith('/') });

interface User {
  readonly source: string;
  /** The part of `source` that is the user: an ip configuration. */
  readonly via: string;
}

/** Resources of `type` that use `id`. */
export const usersOfType = (azure: Azure, id: string, type: string): User[] =>
  azure.resources
    .users(id)
    .filter(({ source }) => azure.resources.get(source)?.type.toLowerCase() === type.toLowerCase());

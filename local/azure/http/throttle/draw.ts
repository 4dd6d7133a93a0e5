import { type Call } from '../call';
import { type AzureError } from '../errors';
import { type Limit } from './meter';

/** One limit that a call draws on. */
export interface Draw {
  readonly key: string;
  readonly limit: Limit;
  /** 1 unless told. */
  readonly cost?: number;
  /** @param seconds until the call would fit */
  readonly refuse: (seconds: number) => AzureError;
  /** The header of an answer. @param left what is left after this call, not rounded. */
  readonly header?: (left: number) => readonly [name: string, value: string] | undefined;
}

export type Verb = 'reads' | 'writes' | 'deletes';

export const verbOf = ({ method }: Call): Verb =>
  method === 'GET' || method === 'HEAD' ? 'reads' : method === 'DELETE' ? 'deletes' : 'writes';

export const retryAfter = (seconds: number): { readonly headers: Record<string, string> } => ({
  headers: { 'Retry-After': String(seconds) },
});

/** What every part of the durable API works on. */
import { type EngineClient } from '../engine/client';
import { type Request } from './exchange';
import { type DurableUrls } from './urls';

export interface ApiOptions {
  readonly client: EngineClient;
  readonly urls: DurableUrls;
  readonly defaultVersion: string | undefined;
  /** Azure's oddities that only hurt are kept, too (contract 12). */
  readonly strict: boolean;
  /** The RPC address answers a last page with an empty header, the webhook with none. */
  readonly isRpc: boolean;
  /** Resolves after so many milliseconds. */
  readonly delay: (ms: number) => Promise<void>;
}
export interface ApiCall extends ApiOptions {
  readonly request: Request;
  readonly query: URLSearchParams;
}

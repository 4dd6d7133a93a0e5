/** The part of the worker's `@azure/functions-core` that the libraries use (contract 2); the package itself is not published whole. */

export type CoreLogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

export interface TypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: HttpData;
}
interface Nullable {
  readonly value: string;
}
export interface HttpCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: { value?: string } | undefined;
  readonly path?: { value?: string } | undefined;
  readonly expires?: { value?: { seconds?: number } } | undefined;
  readonly secure?: { value?: boolean } | undefined;
  readonly httpOnly?: { value?: boolean } | undefined;
  readonly sameSite?: string | undefined;
  readonly maxAge?: { value?: number } | undefined;
}
export interface HttpData {
  method?: string;
  url?: string;
  nullableHeaders?: Record<string, Nullable>;
  nullableQuery?: Record<string, Nullable>;
  nullableParams?: Record<string, Nullable>;
  headers?: Record<string, string>;
  body?: TypedData | null;
  statusCode?: string;
  cookies?: HttpCookie[];
}

/** A binding as the app registered it. */
export type Binding = Readonly<Record<string, unknown>> & { readonly type: string; readonly direction?: string };

export interface FunctionMetadata {
  readonly name: string;
  readonly functionId?: string;
  readonly bindings: Readonly<Record<string, Binding>>;
}
export type FunctionCallback = (...args: unknown[]) => unknown;
export type HookCallback = (context: Record<string, unknown>) => unknown;

interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<{ returnValue?: TypedData | null }>;
}
export interface ProgrammingModel {
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  /** Not in @azure/functions before 4.3. */
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>>;
}
interface InvocationRequest {
  readonly invocationId: string;
  readonly functionId: string;
  readonly inputData: readonly { readonly name: string; readonly data: TypedData }[];
  readonly triggerMetadata: Readonly<Record<string, TypedData>>;
}
export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: InvocationRequest;
  readonly metadata: FunctionMetadata;
  state?: 'preInvocationHooks' | 'postInvocationHooks' | 'invocation';
  log(level: CoreLogLevel, category: string, message: string): void;
}

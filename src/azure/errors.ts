/** Sorts every failure of every Azure service: what may heal by itself, and what is a refusal with a way out. */
import { z } from 'zod';
import type { Later, Refused } from '../domain/outcome';
import { AzureError } from './ports';

/** How long it is worth asking again, in seconds, when Azure's code says so. Sources: azure-docs, named at each. */
const HEALS: Readonly<Record<string, number>> = {
  // A principal is "not found" until Entra has replicated it (rbac/troubleshooting).
  PrincipalNotFound: 900,
  // Our own rights may have been granted a moment ago (rbac/troubleshooting: "up to 10 minutes").
  AuthorizationFailed: 90,
  LinkedAuthorizationFailed: 90,
  ForbiddenByRbac: 600,
  // So says storage of blobs ("Assign an Azure role for access to blob data": "up to 10 minutes").
  AuthorizationPermissionMismatch: 600,
  // A token that has run out on its way: the next attempt brings another (ARM, Graph; Key Vault says Unauthorized).
  ExpiredAuthenticationToken: 300,
  InvalidAuthenticationToken: 300,
  Unauthorized: 300,
  // An operation that failed through no fault of the request (an HTTP status would have said 500).
  InternalServerError: 900,
  InternalExecutionError: 900,
  NetworkingInternalOperationError: 900,
  // The region has no room for the size just now: what others give back is free a moment later (allocation-failure).
  AllocationFailed: 1_800,
  ZonalAllocationFailed: 1_800,
  // A secret's name is not free while the vault still deletes or recovers what had it.
  ObjectIsBeingDeleted: 300,
  ObjectIsBeingRecovered: 300,
  // Graph has the service principal already and does not list it yet.
  Request_MultipleObjectsWithSameKeyValue: 900,
  // A subscription that was just made is not seen everywhere yet.
  SubscriptionNotFound: 60,
  // Somebody else's operation holds the resource (compute-throttling-limits).
  AnotherOperationInProgress: 900,
  RetryableError: 900,
  RetryableErrorDueToAnotherOperation: 900,
  ConcurrentHttpRequest: 300,
  PreconditionFailed: 120,
  // Credentials of one identity are written one after another (workload-identity-federation-considerations).
  ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity: 300,
  ReferencedResourceNotProvisioned: 300,
  // A copy that was begun a moment ago holds the blob.
  PendingCopyOperation: 300,
  ResourceGroupBeingDeleted: 900,
  // Deletion: what used it a moment ago is still letting go.
  PublicIPAddressCannotBeDeleted: 300,
  InUseNetworkSecurityGroupCannotBeDeleted: 300,
  InUseSubnetCannotBeDeleted: 300,
  NicInUse: 300,
  ScopeLocked: 120,
};

/** Graph says these while a new object replicates (msgraph-bicep-types#193, openshift-azure#1534). */
const GRAPH_REPLICATION =
  /not a valid reference update|does not reference a valid application object|reference-property objects are not present|resource '[^']*' does not exist/i;

const NO_ROOM =
  'Send the same request again later, or ask for another size (vm.size), another zone or none (placement.zone), or another region under another name.';
const REMEDIES: Readonly<Record<string, string>> = {
  AuthorizationFailed:
    'Give the app the missing right (docs/deploy.md lists what it needs), then send the same request again.',
  AuthorizationPermissionMismatch:
    'Let the app write blobs: `az role assignment create --role "Storage Blob Data Contributor" --assignee <the app’s client id> --scope <the storage account’s id>`. Then send the same request again.',
  Authorization_RequestDenied:
    'An administrator grants the app its Graph permissions (docs/deploy.md), then send the same request again.',
  ResourcePurchaseValidationFailed:
    'Accept the image’s terms: `az vm image terms accept --publisher <publisher> --offer <offer> --plan <plan>`. Then send the same request again.',
  VMMarketplaceInvalidInput: 'The profile’s plan is not the image’s own. Correct it, then send the same request again.',
  SkuNotAvailable: 'Ask for another size (vm.size) or region (placement.location).',
  AllocationFailed: NO_ROOM,
  ZonalAllocationFailed: NO_ROOM,
  OverconstrainedAllocationRequest: NO_ROOM,
  OperationNotAllowed: 'Ask for more quota at https://aka.ms/ProdportalCRP, or for a smaller vm.size.',
  QuotaExceeded: 'Ask for more quota at https://aka.ms/ProdportalCRP, or for a smaller vm.size.',
  ScopeLocked:
    'Have the lock removed at the scope that Azure names: `az lock list --resource-group <its group>` tells its id, `az lock delete --ids <id>` removes it. What was asked of a closing access window is then done by itself; anything else needs the same request again.',
  RequestDisallowedByPolicy:
    'An Azure Policy forbids it. Change the request, or ask for an exemption from the policy named.',
  KeyVaultAccessForbidden:
    'Let the disk encryption set use its key: `az role assignment create --role "Key Vault Crypto Service Encryption User" --assignee-object-id <its identity.principalId> --assignee-principal-type ServicePrincipal --scope <the vault>`. Then send the same request again.',
  MissingSubscriptionRegistration:
    'Register the resource provider that Azure names: `az provider register --namespace <name>`. Then send the same request again.',
};
const ANY_REMEDY = 'Mend what Azure says, then send the same request again.';
const THROTTLED_PATIENCE = 3_600;
const BROKEN_PATIENCE = 900;

const failure = z.looseObject({
  /** Graph's client says -1 where nothing answered. */
  statusCode: z.number().min(100).optional().catch(undefined),
  code: z.unknown().optional(),
  message: z.string().catch(''),
  body: z.unknown().optional(),
  details: z.unknown().optional(),
  headers: z.unknown().optional(),
  response: z.unknown().optional(),
});
const inner = z.looseObject({ code: z.string() }).optional().catch(undefined);
const errorBody = z
  .looseObject({ code: z.string(), message: z.string().default(''), innererror: inner, innerError: inner })
  .transform(({ code, message, innererror, innerError }) => {
    // Key Vault's outer code says no more than the status does: the inner one, which its client respells, says why.
    const why = code === 'Conflict' || code === 'Forbidden' ? (innererror ?? innerError)?.code : undefined;
    return { code: why ?? code, message };
  });
const wrapped = z.union([z.looseObject({ error: errorBody }).transform(({ error }) => error), errorBody]);

/** Turns whatever an SDK threw into the one error that ports may throw. */
export function sortFailure(error: unknown): AzureError {
  if (error instanceof AzureError) return error;
  const { statusCode, headers, response, ...rest } = failure.parse(error instanceof Error ? asRecord(error) : {});
  const told = readBody(rest.body) ?? readBody(rest.details) ?? readBody(responseText(response));
  const code =
    told?.code ??
    (typeof rest.code === 'string' ? rest.code : undefined) ??
    headerOf(responseHeaders(response), 'x-ms-error-code') ??
    String(statusCode ?? 'Unknown');
  const reason = told?.message || rest.message || code;
  const seconds = retryAfter(headers) ?? retryAfter(responseHeaders(response));
  return new AzureError(sort(statusCode, code, firstLine(reason), seconds), statusCode, { cause: error });
}

/** Also sorts what a long-running operation ended with: there the status is always 200. */
export function sort(status: number | undefined, code: string, reason: string, seconds?: number): Later | Refused {
  const remedy = REMEDIES[code] ?? ANY_REMEDY;
  const patienceSeconds = patience(status, code, reason);
  return patienceSeconds === undefined
    ? { kind: 'refused', code, reason, remedy }
    : { kind: 'later', code, reason, remedy, seconds, patienceSeconds };
}

function patience(status: number | undefined, code: string, reason: string): number | undefined {
  if (HEALS[code] !== undefined) return HEALS[code];
  // `OperationNotAllowed` is quota with 409 and throttling with 429: the status decides.
  if (status === 429) return THROTTLED_PATIENCE;
  if (GRAPH_REPLICATION.test(reason)) return BROKEN_PATIENCE;
  const answered = status !== undefined && status < 500 && status !== 408;
  return answered ? undefined : BROKEN_PATIENCE;
}

/** What an error says of itself is not enumerable: its message, and the answer that an SDK's error carries. */
const asRecord = (error: Error): Record<string, unknown> => ({
  ...error,
  message: error.message,
  ...('response' in error ? { response: error.response } : {}),
});

function readBody(body: unknown): z.infer<typeof errorBody> | undefined {
  if (typeof body !== 'string') return wrapped.safeParse(body).data;
  try {
    return wrapped.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
const responseText = (response: unknown): unknown =>
  z.looseObject({ bodyAsText: z.unknown().optional() }).safeParse(response).data?.bodyAsText;
const responseHeaders = (response: unknown): unknown =>
  z.looseObject({ headers: z.unknown().optional() }).safeParse(response).data?.headers;

/** Azure's messages carry a time stamp and ids on further lines: one line is enough for a status. */
const firstLine = (text: string): string => text.split('\n')[0]?.trim() ?? text;

const headerBag = z.object({
  get: z.custom<(name: string) => string | null | undefined>((value) => typeof value === 'function'),
});

/** The answer to a HEAD has no body: storage says its code in a header too. */
function headerOf(headers: unknown, name: string): string | undefined {
  const bag = headerBag.safeParse(headers).success ? (headers as Headers) : undefined;
  return bag?.get(name) ?? undefined;
}

/** Seconds from Retry-After: a number of seconds or an HTTP date. */
export function retryAfter(headers: unknown): number | undefined {
  const text = headerOf(headers, 'retry-after');
  if (!text) return undefined;
  const seconds = Number(text);
  return Number.isFinite(seconds)
    ? seconds
    : Math.max(0, Math.ceil((Date.parse(text) - Date.now()) / 1_000)) || undefined;
}

/** The same object, every method of which throws nothing but sorted failures. */
export function withSortedFailures<T extends object>(adapter: T): T {
  return new Proxy(adapter, {
    get(target, property, receiver) {
      const member: unknown = Reflect.get(target, property, receiver);
      if (typeof member !== 'function') return member;
      return async (...parameters: unknown[]) => {
        try {
          return (await Reflect.apply(member, target, parameters)) as unknown;
        } catch (error) {
          throw sortFailure(error);
        }
      };
    },
  });
}

/** A read that finds nothing is an answer, not a failure. */
export async function orUndefined<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    const sorted = sortFailure(error);
    const absent = sorted.status === 404 && !ABSENT_ABOVE.includes(sorted.outcome.code);
    if (absent) return undefined;
    throw new AzureError(sorted.outcome, sorted.status, { cause: error });
  }
}
/** Not the thing itself is missing, but what should hold it: a write would fail too, and say less. */
const ABSENT_ABOVE = ['SubscriptionNotFound', 'InvalidSubscriptionId'];

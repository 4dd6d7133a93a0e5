import { z } from 'zod';
import { type Azure } from '../azure';
import { type Call } from '../http/call';
import { AzureError } from '../http/errors';
import { type Document, type Failure, type Link, type Resource } from '../store/resources';
import { type Timings } from '../tenant';
import { etagOf } from './etags';

/** A PUT that passed all that is the same for every kind. */
export interface Put {
  readonly id: string;
  readonly name: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly body: Document;
  readonly existing: Resource | undefined;
  readonly call: Call;
}

/** What a PUT becomes. */
interface Prepared {
  readonly document: Document;
  readonly hidden?: Readonly<Record<string, unknown>>;
  readonly links?: readonly Link[];
  /** Accepted, but the operation will fail. */
  readonly failure?: Failure;
  /** When the operation ends, where its kind's timing does not say. */
  readonly readyAt?: number;
}

/** The body of a resource that has a region and tags, and nothing else beside its properties. */
export const tracked = <P extends z.ZodType>(properties: P) =>
  z.looseObject({ location: z.string(), tags: z.record(z.string(), z.string()).optional(), properties });

/** One kind of ARM resource: a row of what differs from the others. */
export interface Kind {
  /** `Microsoft.Network/networkSecurityGroups/securityRules` */
  readonly type: string;
  /** Undefined: synchronous. */
  readonly timing?: { readonly put: keyof Timings; readonly update?: keyof Timings; readonly remove?: keyof Timings };
  /** provisioningState while created and while updated; Network says Updating for both. */
  readonly phases?: readonly [created: string, updated: string];
  readonly schema: z.ZodType<Document>;
  /** Properties that Azure computes: dropped where a caller sends back what was read. */
  readonly readOnly?: readonly string[];
  /** Refuses, or says what is stored. */
  readonly prepare: (azure: Azure, put: Put) => Prepared;
  /** Does what follows from a PUT in other resources. */
  readonly stored?: (azure: Azure, resource: Resource, put: Put) => void;
  /** What Azure adds to the properties when asked. */
  readonly computed?: (azure: Azure, resource: Resource, call: Call | undefined) => Record<string, unknown>;
  /** What Azure adds beside the properties: `managedBy` of a disk. */
  readonly beside?: (azure: Azure, resource: Resource) => Record<string, unknown>;
  /** A PATCH of anything is the PUT of what is there with that in it; otherwise of tags alone. */
  readonly merges?: boolean;
  /** A child that is written beside its siblings: none waits for another or for its parent. */
  readonly siblings?: boolean;
  /** The refusal of a child while its family is written, where it is not the usual one. */
  readonly busy?: (id: string) => AzureError;
  /** Throws when others use it. */
  readonly demandUnused?: (azure: Azure, resource: Resource) => void;
  readonly removed?: (azure: Azure, resource: Resource, goneAt: number) => void;
  /** A PUT is answered 202: with the resource (disks), or with a Location alone for a new one (storage accounts). */
  readonly accepted?: 'resource' | 'location';
  /** Its lists take `$top`. */
  readonly listsTop?: boolean;
  /** No provisioningState in its properties (managed identities). */
  readonly plain?: boolean;
}

export const stateOf = (azure: Azure, { goneAt, readyAt, phase, failure }: Resource): string => {
  if (goneAt !== null) return 'Deleting';
  if (azure.now() < readyAt) return phase;
  if (failure === null) return 'Succeeded';
  return failure.code === 'Canceled' ? 'Canceled' : 'Failed';
};

/** The resource as a GET gives it. */
export function shown(azure: Azure, kind: Kind, resource: Resource, call?: Call): Record<string, unknown> {
  const { properties, ...rest } = resource.document;
  const computed = kind.computed?.(azure, resource, call) ?? {};
  const etag = etagOf(resource);
  const state = kind.plain === true ? {} : { provisioningState: stateOf(azure, resource) };
  return {
    name: resource.id.slice(resource.id.lastIndexOf('/') + 1),
    id: resource.id,
    type: resource.type,
    ...(etag === undefined ? {} : { etag }),
    ...rest,
    ...kind.beside?.(azure, resource),
    properties: { ...state, ...properties, ...computed },
  };
}

/** What Microsoft.Network calls the operation on a resource: `PutSubnetOperation`. */
function operationOn({ type, goneAt }: Resource): string {
  const last = type.slice(type.lastIndexOf('/') + 1);
  const singular = last.charAt(0).toUpperCase() + last.slice(1).replace(/(ss)es$|s$/, '$1');
  const own: Readonly<Record<string, string>> = { NetworkInterface: 'Nic', PublicIPAddress: 'PublicIpAddress' };
  return `${goneAt === null ? 'Put' : 'Delete'}${own[singular] ?? singular}Operation`;
}

export const invalidReference = (id: string, by: string): AzureError =>
  new AzureError(
    400,
    'InvalidResourceReference',
    `Resource ${id} referenced by resource ${by} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.`,
    { members: { details: [] } },
  );

/**
 * The resource that another one is about to use: it must exist, be provisioned, and its use be allowed to the caller.
 * @param action what RBAC calls the use, such as `Microsoft.Network/virtualNetworks/subnets/join/action`
 */
export function usable(azure: Azure, put: Put, id: string, action: string): Resource {
  azure.rbac.demandLinked(put.call.caller, action, put.id, id);
  const found = azure.resources.get(id);
  if (found === undefined) throw invalidReference(id, put.id);
  const state = stateOf(azure, found);
  if (state === 'Succeeded') return found;
  throw new AzureError(
    409,
    'ReferencedResourceNotProvisioned',
    `Cannot proceed with operation because resource ${id} used by resource ${put.id} is not in Succeeded state. Resource is in ${state} state and the last operation that updated/is updating the resource is ${operationOn(found)}.`,
    { members: { details: [] } },
  );
}

/**
 * ETags, where Azure has them: every resource of Microsoft.Network (its own words), and virtual machines since
 * 2024-03-01 (a number in quotes; If-Match and If-None-Match are parameters of their PUT and PATCH alone). Disks, images,
 * extensions, run commands, storage accounts, vaults, identities, groups, role assignments, locks and policies have no
 * etag in Azure's models, and no operation of theirs takes If-Match: there the headers count for nothing.
 */
import { type Call } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { type Resource } from '../store/resources';

const VM = 'microsoft.compute/virtualmachines';

const isNetwork = ({ type }: Pick<Resource, 'type'>): boolean => /^microsoft\.network\//i.test(type);

/** Undefined where Azure shows none. */
export function etagOf(resource: Resource): string | undefined {
  if (isNetwork(resource)) return resource.etag;
  return resource.type.toLowerCase() === VM ? `"${versionOf(resource)}"` : undefined;
}

const versionOf = ({ hidden }: Resource): number => Number(hidden['version'] ?? 1);

/** The next version of what a PUT or PATCH changes. */
export const nextVersion = (existing: Resource | undefined): number =>
  existing === undefined ? 1 : versionOf(existing) + 1;

/** If-Match and If-None-Match of a write, or 412. */
export function demandEtag(call: Call, type: string, id: string, existing: Resource | undefined): void {
  if (isNetwork({ type })) demandNetwork(call, id, existing?.etag);
  else if (type.toLowerCase() === VM && call.method !== 'DELETE') demandMachine(call, id, existing && etagOf(existing));
}

const refusal = (message: string): AzureError =>
  new AzureError(412, 'PreconditionFailed', message, { members: { details: [] } });

const fits = (wanted: string, etag: string | undefined): boolean =>
  etag !== undefined && (wanted === '*' || wanted === etag);

function demandNetwork(call: Call, id: string, etag: string | undefined): void {
  const wanted = call.header('if-match');
  if (wanted !== undefined && !fits(wanted, etag))
    throw refusal(
      `Etag provided in if-match header ${wanted} does not match etag ${etag ?? ''} of resource ${id} in NRP data store.`,
    );
  if (call.header('if-none-match') === '*' && etag !== undefined)
    throw refusal(`The resource ${id} exists, and if-none-match header * was given.`);
}

/** The code is Azure's; its words for a machine are not recorded anywhere. */
function demandMachine(call: Call, id: string, etag: string | undefined): void {
  const [wanted, none] = [call.header('if-match'), call.header('if-none-match')];
  if (none !== undefined && none !== '*')
    throw badRequest('InvalidParameter', `The value '${none}' of the header If-None-Match is not supported: only '*' is.`, 'If-None-Match'); // prettier-ignore
  if (wanted !== undefined && !fits(wanted, etag))
    throw refusal(`The condition of the header If-Match '${wanted}' is not met: the etag of ${id} is '${etag ?? ''}'.`);
  if (none === '*' && etag !== undefined)
    throw refusal(`The condition of the header If-None-Match '*' is not met: ${id} exists.`);
}

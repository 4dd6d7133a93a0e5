/** What of a storage account can be changed once it is there (azure-rest-api-specs, StorageAccountUpdateParameters). */
import { AzureError, badRequest } from '../http/errors';
import { type Document } from '../store/resources';

export const skus = [
  'Standard_LRS',
  'Standard_GRS',
  'Standard_RAGRS',
  'Standard_ZRS',
  'Standard_GZRS',
  'Standard_RAGZRS',
  'Premium_LRS',
  'Premium_ZRS',
] as const;
export const kinds = ['Storage', 'StorageV2', 'BlobStorage', 'FileStorage', 'BlockBlobStorage'] as const;

/** Set when the account is made, or never; an absent one counts as false. */
const FIXED = ['isHnsEnabled', 'isNfsV3Enabled', 'dnsEndpointType', 'immutableStorageWithVersioning'];
/** Once on, on for ever. */
const ONE_WAY: Readonly<Record<string, string>> = { largeFileSharesState: 'Enabled' };

/** Throws what Azure says to a PUT or PATCH that would change what cannot be changed. */
export function demandUpdatable(was: Document, is: Document): void {
  for (const property of FIXED) demandSame(was, is, property);
  for (const [property, value] of Object.entries(ONE_WAY)) {
    if (was.properties[property] === value) demandSame(was, is, property);
  }
  demandKind(String(was['kind']), String(is['kind']));
  demandSku(nameOf(was['sku']), nameOf(is['sku']));
  demandTier(is);
}

function demandSame(was: Document, is: Document, property: string): void {
  const wanted = is.properties[property];
  if (wanted === undefined || JSON.stringify(wanted) === JSON.stringify(was.properties[property] ?? false)) return;
  throw badRequest(
    'AccountPropertyCannotBeUpdated',
    `The property '${property}' was specified in the input, but it cannot be updated.`,
  );
}

/** Only an account of the first kinds becomes one of general purpose v2. */
function demandKind(was: string, is: string): void {
  if (was === is || (is === 'StorageV2' && ['Storage', 'BlobStorage'].includes(was))) return;
  throw badRequest(
    'AccountPropertyCannotBeUpdated',
    "The property 'kind' was specified in the input, but it cannot be updated.",
  );
}

const SIMPLE = /^Standard_(LRS|GRS|RAGRS)$/;
const ZONED = /^Standard_G?(ZRS)$|^Standard_RAGZRS$/;

/** Among the simple ones, or between GZRS and RAGZRS; what needs a conversion of the data is no update. */
function demandSku(was: string, is: string): void {
  if (was === is || [was, is].every((one) => SIMPLE.test(one))) return;
  if ([was, is].every((one) => /^Standard_(RA)?GZRS$/.test(one))) return;
  if (!ZONED.test(was) && ZONED.test(is))
    throw badRequest('InvalidValuesForRequestParameters', 'Values for request parameters are invalid: sku.');
  throw new AzureError(
    400,
    'StorageAccountTypeConversionNotAllowed',
    `Storage account type cannot be changed to '${is}' from '${was}'.`,
  );
}

const nameOf = (sku: unknown): string =>
  typeof sku === 'object' && sku !== null && 'name' in sku ? String(sku.name) : '';

function demandTier({ properties }: Document): void {
  const tier = properties['accessTier'];
  if (tier === undefined || ['Hot', 'Cool', 'Cold', 'Premium'].some((one) => one === tier)) return;
  throw badRequest(
    'InvalidAccessTier',
    `The access tier ${JSON.stringify(tier)} is not allowed for this account kind.`,
  );
}

import { type Answer } from '../http/call';
import { type BlobCall } from './blobCall';
import { delegationKey } from './delegationKey';
import { blobError, xml } from './errors';

const MOST_DAYS = 7;

/** `Get User Delegation Key`: for seven days at most, and for principals only. */
export function userDelegationKey({ azure, account, holder, call }: BlobCall): Answer {
  if (holder.kind !== 'principal')
    throw blobError('AuthenticationFailed', { AuthenticationErrorDetail: 'Only authentication scheme Bearer is supported' }); // prettier-ignore
  const text = call.body instanceof Uint8Array ? Buffer.from(call.body).toString() : '';
  const [start, expiry] = ['Start', 'Expiry'].map((name) => time(text, name));
  if (start === undefined || expiry === undefined) throw blobError('InvalidXmlDocument');
  const now = azure.now();
  if (!(Date.parse(start) < Date.parse(expiry)) || Date.parse(expiry) <= now || Date.parse(expiry) > now + MOST_DAYS * 86_400_000)
    throw blobError('InvalidXmlNodeValue', { XmlNodeName: 'Expiry', XmlNodeValue: expiry }); // prettier-ignore
  const version = call.header('x-ms-version') ?? '';
  const signed = { objectId: holder.principalId, tenantId: azure.tenant.tenantId, start, expiry, version };
  const members = { SignedOid: signed.objectId, SignedTid: signed.tenantId, SignedStart: start, SignedExpiry: expiry, SignedService: 'b', SignedVersion: version, Value: delegationKey(azure, account, signed) }; // prettier-ignore
  const body = Object.entries(members).map(([name, value]) => `<${name}>${value}</${name}>`);
  return xml(200, `<UserDelegationKey>${body.join('')}</UserDelegationKey>`);
}

/** In whole seconds, as it is signed. */
function time(text: string, name: string): string | undefined {
  const at = Date.parse(new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1] ?? '');
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

import { randomUUID } from '../random';
import { type Answer } from '../http/call';
import { AzureError } from '../http/errors';

const words = {
  AuthenticationFailed: [
    403,
    'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.',
  ],
  AuthorizationPermissionMismatch: [
    403,
    'This request is not authorized to perform this operation using this permission.',
  ],
  AuthorizationResourceTypeMismatch: [
    403,
    'This request is not authorized to perform this operation using this resource type.',
  ],
  BlobNotFound: [404, 'The specified blob does not exist.'],
  CannotVerifyCopySource: [404, 'The specified resource does not exist.'],
  ConditionNotMet: [412, 'The condition specified using HTTP conditional header(s) is not met.'],
  BlobAlreadyExists: [409, 'The specified blob already exists.'],
  ContainerAlreadyExists: [409, 'The specified container already exists.'],
  ContainerBeingDeleted: [409, 'The specified container is being deleted. Try operation later.'],
  ContainerNotFound: [404, 'The specified container does not exist.'],
  CopyIdMismatch: [409, 'The specified copy ID did not match the copy ID for the pending copy operation.'],
  InvalidAuthenticationInfo: [
    401,
    'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.',
  ],
  InvalidHeaderValue: [400, 'The value for one of the HTTP headers is not in the correct format.'],
  InvalidPageRange: [416, 'The page range specified is invalid.'],
  InvalidQueryParameterValue: [400, 'Value for one of the query parameters specified in the request URI is invalid.'],
  InvalidResourceName: [400, 'The specifed resource name contains invalid characters.'],
  InvalidXmlDocument: [400, 'XML specified is not syntactically valid.'],
  InvalidXmlNodeValue: [400, 'The value for one of the XML nodes is not in the correct format.'],
  KeyBasedAuthenticationNotPermitted: [403, 'Key based authentication is not permitted on this storage account.'],
  MissingRequiredHeader: [400, "An HTTP header that's mandatory for this request is not specified."],
  NoAuthenticationInformation: [
    401,
    'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.',
  ],
  NoPendingCopyOperation: [409, 'There is currently no pending copy operation.'],
  OutOfRangeQueryParameterValue: [
    400,
    'One of the query parameters specified in the request URI is outside the permissible range.',
  ],
  PendingCopyOperation: [409, 'There is currently a pending copy operation.'],
  ResourceNotFound: [404, 'The specified resource does not exist.'],
  UnsupportedHeader: [400, 'One of the HTTP headers specified in the request is not supported.'],
} as const;

/** A refusal of the blob service in its own words. */
export function blobError(
  code: keyof typeof words,
  members: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): AzureError {
  const [status, message] = words[code];
  return new AzureError(status, code, message, { members, headers });
}

/** What this Azure has not: in the blob service's envelope. */
export const notSimulated = (what: string): AzureError =>
  new AzureError(
    400,
    'NotSimulated',
    `${what} Simulated are user delegation keys, containers (create, get, delete, list), page blobs (put, put page, get, properties, metadata, list, delete), Copy Blob and Abort Copy Blob.`,
  );

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

export const xml = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  body: Buffer.from(`\uFEFF<?xml version="1.0" encoding="utf-8"?>${text}`),
  headers: { 'Content-Type': 'application/xml', ...headers },
});

/** The refusal as the blob service sends it: XML, and the code in a header too, since HEAD has no body. */
export function refused(error: AzureError, now: number): Answer {
  const more = Object.entries(error.extra.members ?? {})
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
    .join('');
  const id = randomUUID();
  const message = `${escapeXml(error.message)}\nRequestId:${id}\nTime:${new Date(now).toISOString()}`;
  return xml(error.status, `<Error><Code>${error.code}</Code><Message>${message}</Message>${more}</Error>`, {
    'x-ms-error-code': error.code,
    'x-ms-request-id': id,
    ...error.extra.headers,
  });
}

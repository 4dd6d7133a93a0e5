import { type Azure } from '../azure';
import { type Answer, type Call, type Method, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { findAccount } from './addresses';
import { type Action, demandPermission, identify } from './authorize';
import { abortCopy, copyBlob } from './copy';
import { type BlobCall, demandBlob } from './blobCall';
import { Blobs } from './blobs';
import {
  demandContainerName,
  listBlobs,
  listContainers,
  putContainer,
  removeContainer,
  showContainer,
} from './containers';
import { userDelegationKey } from './delegation';
import { blobError, notSimulated, refused } from './errors';
import { getBlob, getMetadata, putBlob, putPages, removeBlob, setMetadata, shownHeaders } from './pageBlobs';

const methods: readonly Method[] = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'];

/** The blob service of every account, as far as disks need it. Not Azure Resource Manager: XML, and keys besides tokens. */
export const blobRoutes = (azure: Azure): readonly Route[] =>
  methods.flatMap((method) =>
    ['/_blob/:account', '/_blob/:account/*'].map((path): Route => ({
      method,
      path,
      api: 'open',
      handle: (call) => answered(azure, call),
    })),
  );

async function answered(azure: Azure, call: Call): Promise<Answer> {
  try {
    const answer = await serve(azure, call);
    const version = call.header('x-ms-version') ?? '2021-12-02';
    return { ...answer, headers: { 'x-ms-version': version, ...answer.headers } };
  } catch (error) {
    if (error instanceof AzureError) return refused(error, azure.now());
    throw error;
  }
}

async function serve(azure: Azure, call: Call): Promise<Answer> {
  const account = findAccount(azure, call.params['account'] ?? '');
  if (account === undefined || account.readyAt > azure.now()) throw blobError('ResourceNotFound');
  const [container = '', ...rest] = (call.params['*'] ?? '').split('/');
  const name = { account: account.id.slice(account.id.lastIndexOf('/') + 1), container, name: rest.join('/') };
  const holder = await identify(azure, account, call, name);
  const level = container === '' ? 'service' : name.name === '' ? 'container' : 'blob';
  const key = operationOf(call.method, level, call.query);
  const found = operations.find(([pattern]) => pattern === key);
  if (found === undefined) throw notSimulated(`'${key}' is not simulated.`);
  const [, action, of, handle] = found;
  demandPermission(azure, account, holder, action, container === '' ? undefined : container, of);
  if (level !== 'service') demandContainerName(container);
  const blobCall: BlobCall = { azure, account, holder, blobs: new Blobs(azure), call, name };
  return azure.db.transaction(() => handle(blobCall));
}

/** `PUT blob page`: the method, what it is of, and the parameters restype and comp. */
const operationOf = (method: string, level: string, query: Call['query']): string =>
  [method, level, query('restype') ?? '', query('comp') ?? ''].filter((part) => part !== '').join(' ');

type Handle = (blobCall: BlobCall) => Answer;

/** Method, level, restype and comp; the permission that Entra callers need; what does it. */
const operations: readonly (readonly [string, Action, 'container' | 'blobs', Handle])[] = [
  ['POST service service userdelegationkey', 'delegate', 'container', userDelegationKey],
  ['GET service list', 'list', 'container', listContainers],
  ['PUT container container', 'write', 'container', putContainer],
  ['GET container container', 'read', 'container', showContainer],
  ['HEAD container container', 'read', 'container', showContainer],
  ['DELETE container container', 'delete', 'container', removeContainer],
  ['GET container container list', 'list', 'blobs', listBlobs],
  [
    'PUT blob',
    'write',
    'blobs',
    (one) => (one.call.header('x-ms-copy-source') === undefined ? putBlob(one) : copyBlob(one)),
  ],
  ['PUT blob page', 'write', 'blobs', putPages],
  ['PUT blob copy', 'write', 'blobs', abortCopy],
  ['PUT blob metadata', 'write', 'blobs', setMetadata],
  ['GET blob', 'read', 'blobs', getBlob],
  ['HEAD blob', 'read', 'blobs', (one) => ({ status: 200, headers: shownHeaders(one.azure, demandBlob(one)) })],
  ['GET blob metadata', 'read', 'blobs', getMetadata],
  ['DELETE blob', 'delete', 'blobs', removeBlob],
];

/** What the blob service is asked for, as `operationOf` names it. */
export const blobOperations: readonly string[] = operations.map(([name]) => name);

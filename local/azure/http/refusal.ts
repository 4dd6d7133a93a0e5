import { type Azure } from '../azure';
import { innerError } from './authenticate';
import { type Answer, type Api } from './call';
import { AzureError } from './errors';

/** A refusal in the envelope of the service that refuses. */
function refusal(azure: Azure, api: Api, error: AzureError): Answer {
  const body =
    api === 'graph'
      ? {
          error: {
            code: error.code,
            message: error.message,
            ...error.extra.members,
            innerError: innerError(azure.now()),
          },
        }
      : error.body;
  const code = api === 'arm' ? { 'x-ms-failure-cause': 'gateway', 'x-ms-error-code': error.code } : {};
  return { status: error.status, body, headers: { ...code, ...error.extra.headers } };
}

/** What a handler threw, as an answer; what is no refusal is this program's own mistake. */
export function failed(azure: Azure, api: Api, error: unknown): Answer {
  if (error instanceof AzureError) return refusal(azure, api, error);
  console.error('The simulated Azure failed:', error);
  const message = 'The simulated Azure failed; its own log says why.';
  return refusal(azure, api, new AzureError(500, 'InternalServerError', message));
}

import { type Azure } from '../azure';
import { innerError } from './authenticate';
import { type Answer, type Api } from './call';
import { type AzureError } from './errors';

/** A refusal in the envelope of the service that refuses. */
export function refusal(azure: Azure, api: Api, error: AzureError): Answer {
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

/** Whether the VHD is where the request says, and the container that it is copied into. */
import { StorageManagementClient } from '@azure/arm-storage';
import { createPipelineRequest } from '@azure/core-rest-pipeline';
import { z } from 'zod';
import { parseArmId } from '../arm/armId';
import { armOptions, type Connection, httpClientOf } from '../client';
import { sortFailure } from '../errors';
import type { Inspection } from '../ports';

/** Longer than any blob takes to say what it is; the app may have no way to it although Azure Storage has. */
const ANSWER_MS = 15_000;
/** For the header that names a refusal, which HEAD has no body for. */
const VERSION = '2021-08-06';

export function vhds(connection: Connection): Pick<Inspection, 'vhdSource' | 'container'> {
  const { credential, transport } = connection;
  const { httpClient } = httpClientOf(transport);
  return {
    // The URL may hold a SAS: it is in no answer and in no error.
    vhdSource: async (url) => {
      const request = createPipelineRequest({ url, method: 'HEAD', timeout: ANSWER_MS });
      request.headers.set('x-ms-version', VERSION);
      try {
        const { status, headers } = await httpClient.sendRequest(request);
        return {
          kind: 'answered',
          status,
          code: headers.get('x-ms-error-code'),
          blobType: headers.get('x-ms-blob-type'),
          bytes: Number(headers.get('content-length') ?? NaN),
        };
      } catch (error) {
        const { code } = z.looseObject({ code: z.string().default('no answer') }).catch({ code: 'no answer' }).parse(error); // prettier-ignore
        return { kind: 'unreachable', reason: code };
      }
    },
    container: async (accountId, name) => {
      const { subscriptionId, resourceGroup, names } = parseArmId(accountId);
      const { blobContainers } = new StorageManagementClient(credential, subscriptionId, armOptions(connection));
      try {
        await blobContainers.get(resourceGroup, names[0], name);
        return 'there';
      } catch (error) {
        const { outcome, status } = sortFailure(error);
        if (status !== 404) throw error;
        // Else what is missing is above it: the account, its group, or its subscription.
        return outcome.code === 'ContainerNotFound' ? 'absent' : 'noAccount';
      }
    },
  };
}

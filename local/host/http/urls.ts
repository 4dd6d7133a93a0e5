/** The URLs of an instance, and the value of a durable client binding (contract 7.1). */

export interface DurableUrls {
  readonly origin: string;
  readonly hubName: string;
  readonly systemKey: string;
  readonly rpcUrl: string;
}

export const WEBHOOK_PATH = '/runtime/webhooks/durabletask';
const PLACEHOLDER_ID = 'INSTANCEID';

const managementUrls = ({ origin, hubName, systemKey }: Omit<DurableUrls, 'rpcUrl'>, id: string) => {
  const instance = `${origin}${WEBHOOK_PATH}/instances/${id}`;
  const suffix = `taskHub=${hubName}&connection=Storage&code=${systemKey}`;
  const withReason = (operation: string): string => `${instance}/${operation}?reason={text}&${suffix}`;
  return {
    id,
    statusQueryGetUri: `${instance}?${suffix}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${suffix}`,
    terminatePostUri: withReason('terminate'),
    rewindPostUri: withReason('rewind'),
    purgeHistoryDeleteUri: `${instance}?${suffix}`,
    restartPostUri: `${instance}/restart?${suffix}`,
    suspendPostUri: withReason('suspend'),
    resumePostUri: withReason('resume'),
  };
};

/** The body of a 202 to a start: Azure leaves the rewind URL out of it. */
export function startedBody(
  urls: Omit<DurableUrls, 'rpcUrl'>,
  id: string,
): Readonly<Record<string, string>> & { statusQueryGetUri: string } {
  const { rewindPostUri: _, ...body } = managementUrls(urls, id);
  return body;
}

/** The JSON text that a durable client binding gets. */
export function clientBinding(urls: DurableUrls): string {
  const { origin, hubName, systemKey, rpcUrl } = urls;
  const create = `${origin}${WEBHOOK_PATH}/orchestrators/{functionName}[/{instanceId}]`;
  return JSON.stringify({
    taskHubName: hubName,
    connectionName: null,
    creationUrls: {
      createNewInstancePostUri: `${create}?code=${systemKey}`,
      createAndWaitOnNewInstancePostUri: `${create}?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&code=${systemKey}`,
    },
    managementUrls: managementUrls(urls, PLACEHOLDER_ID),
    baseUrl: `${origin}${WEBHOOK_PATH}`,
    requiredQueryStringParameters: `code=${systemKey}`,
    rpcBaseUrl: rpcUrl,
  });
}

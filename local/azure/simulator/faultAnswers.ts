/** What each service says when it fails: the answers of faults that have no body of their own. */
import { type Azure } from '../azure';
import { innerError, unauthorized } from '../http/authenticate';
import { type Answer, type Api } from '../http/call';
import { nameOf, resourceGroupOf, subscriptionOf } from '../http/paths';
import { randomUUID } from '../random';
import { type Fault } from './faults';

interface Struck {
  readonly azure: Azure;
  readonly api: Api;
  readonly path: string;
}

const headersOf = ({ retryAfter }: Fault): Record<string, string> =>
  retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) };

/** The answer of a fault with a status. */
export function faultAnswer(struck: Struck, fault: Fault): Answer {
  const body = fault.body ?? bodyOf(struck, fault.status);
  return { status: fault.status, body, headers: headersOf(fault) };
}

function bodyOf(struck: Struck, status: number): unknown {
  const text = texts[struck.api](struck)[status];
  const [code, message] = text ?? ['InjectedFault', 'A fault that was asked for.'];
  if (struck.api === 'open') return openBody(code, message, struck.azure.now());
  const inner = struck.api === 'graph' ? { innerError: innerError(struck.azure.now()) } : {};
  return { error: { code, message, ...inner } };
}

type Texts = Readonly<Record<number, readonly [code: string, message: string]>>;

const namespaceOf = (path: string): string => /.*\/providers\/([^/]+)/i.exec(path)?.[1] ?? 'Microsoft.Resources';

const texts: Readonly<Record<Api, (struck: Struck) => Texts>> = {
  arm: ({ azure, path }) => {
    const time = new Date(azure.now()).toISOString().replace(/[-:]|\.\d+/g, '');
    const id = randomUUID();
    const diagnostic = `Diagnostic information: timestamp '${time}', subscription id '${subscriptionOf(path) ?? ''}', tracking id '${id}', request correlation id '${id}'.`;
    const namespace = namespaceOf(path);
    return {
      429: ['TooManyRequests', 'The request is being throttled.'],
      500: ['InternalServerError', `Encountered internal server error. ${diagnostic}`],
      502: [
        'BadGatewayConnection',
        `The network connectivity issue encountered for '${namespace}'; cannot fulfill the request.`,
      ],
      503: ['ServerTimeout', `The request timed out. ${diagnostic}`],
      504: [
        'GatewayTimeout',
        `The gateway did not receive a response from '${namespace}' within the specified time period.`,
      ],
    };
  },
  graph: () => ({
    429: ['TooManyRequests', 'Too many requests.'],
    500: ['InternalServerError', 'An internal server error occurred. The operation was not completed.'],
    502: ['BadGateway', ''],
    503: ['ServiceUnavailable', 'The service is temporarily unavailable. Please try again later.'],
    504: ['UnknownError', ''],
  }),
  vault: () => ({
    429: [
      'Throttled',
      'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached',
    ],
    500: ['InternalServerError', 'An internal server error occurred. Try again later.'],
    502: ['BadGateway', 'The server returned an invalid response.'],
    503: ['ServiceUnavailable', 'The service is temporarily unavailable.'],
    504: ['GatewayTimeout', 'The service did not answer in time.'],
  }),
  open: () => ({
    429: ['temporarily_unavailable', 'AADSTS90055: There are too many incoming requests. Please try again later.'],
    500: ['server_error', 'AADSTS90002: An internal error has occurred.'],
    502: ['temporarily_unavailable', 'AADSTS90033: A transient error has occurred. Please try again.'],
    503: ['temporarily_unavailable', 'AADSTS90033: A transient error has occurred. Please try again.'],
    504: ['temporarily_unavailable', 'AADSTS90033: A transient error has occurred. Please try again.'],
  }),
};

const openBody = (error: string, description: string, now: number): Record<string, unknown> => ({
  error,
  error_description: description,
  error_codes: [Number(/^AADSTS(\d+)/.exec(description)?.[1] ?? 0)],
  timestamp: new Date(now).toISOString().replace('T', ' ').replace(/\.\d+/, ''),
  trace_id: randomUUID(),
  correlation_id: randomUUID(),
});

/** 401 as for a token that has just run out. */
export function expired({ azure, api, path }: Struck, fault: Fault): Answer {
  if (api === 'open') return faultAnswer({ azure, api, path }, fault);
  return unauthorized(azure, api, { kind: 'expired', expiredAt: azure.now() - 1000 });
}

export function policyDenied({ azure, path }: Struck): Answer {
  const name = nameOf(path);
  const group = /^.*?(?=\/providers\/[^/]+\/[^/]+\/[^/]+$)/i.exec(path)?.[0] ?? '';
  const definition = '/providers/Microsoft.Authorization/policyDefinitions/a08ec900-254a-4555-9bf5-e42af04b5c5c';
  const assignment = `/providers/Microsoft.Management/managementGroups/${azure.tenant.tenantId}/providers/Microsoft.Authorization/policyAssignments/deny-by-fault`;
  const identifiers = [
    {
      policyAssignment: { name: 'Denied by a fault', id: assignment },
      policyDefinition: { name: 'Denied by a fault', id: definition },
    },
  ];
  const info = {
    policyDefinitionDisplayName: 'Denied by a fault',
    policyDefinitionId: definition,
    policyDefinitionEffect: 'deny',
    policyAssignmentId: assignment,
    policyAssignmentName: 'deny-by-fault',
    policyAssignmentScope: `/providers/Microsoft.Management/managementGroups/${azure.tenant.tenantId}`,
    policyAssignmentDisplayName: 'Denied by a fault',
    resourceScope: group,
  };
  const message = `Resource '${name}' was disallowed by policy. Policy identifiers: '${JSON.stringify(identifiers)}'.`;
  const additionalInfo = [{ type: 'PolicyViolation', info }];
  return { status: 403, body: { error: { code: 'RequestDisallowedByPolicy', target: name, message, additionalInfo } } };
}

export function locked({ path }: Struck, method: string): Answer {
  const operation = method === 'DELETE' ? 'delete' : 'write';
  const group = resourceGroupOf(path);
  const lockedScope = `/subscriptions/${subscriptionOf(path) ?? ''}${group === undefined ? '' : `/resourceGroups/${group}`}`;
  const message = `The scope '${path}' cannot perform ${operation} operation because following scope(s) are locked: '${lockedScope}'. Please remove the lock and try again.`;
  return { status: 409, body: { error: { code: 'ScopeLocked', message } } };
}

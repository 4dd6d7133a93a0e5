import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, parseBody, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { randomUUID } from '../random';
import { type Subscription } from '../store/hierarchy';
import { type Row, UnsupportedQuery } from './expressions';
import { answered } from './query';
import { scopeFilters, tablesOf } from './tables';

const PAGE = 1000;

const schema = z.looseObject({
  query: z.string(),
  subscriptions: z.array(z.string()).optional(),
  managementGroups: z.array(z.string()).optional(),
  options: z
    .looseObject({
      $top: z.number().int().min(1).max(PAGE).optional(),
      $skip: z.number().int().min(0).optional(),
      $skipToken: z.string().optional(),
      resultFormat: z.enum(['objectArray', 'table']).optional(),
      authorizationScopeFilter: z.enum(scopeFilters).optional(),
    })
    .optional(),
});

/** Azure Resource Graph: rows are cut to what the caller can read, and come in pages of at most 1,000. */
export const resourceGraphRoutes = (azure: Azure): readonly Route[] => [
  {
    method: 'POST',
    path: '/providers/Microsoft.ResourceGraph/resources',
    api: 'arm',
    authorize: false,
    handle: (call) => answer(azure, call),
  },
];

function answer(azure: Azure, call: Call): Answer {
  const { query: text, options, subscriptions, managementGroups } = parseBody(schema, call);
  try {
    const within = subscriptionsOf(azure, call, subscriptions, managementGroups);
    const { rows } = answered(
      text,
      tablesOf(azure, call.caller.principalId, within, options?.authorizationScopeFilter),
    );
    return ok(page(rows, options ?? {}));
  } catch (error) {
    if (!(error instanceof UnsupportedQuery)) throw error;
    throw refused(azure, error.message);
  }
}

/** The envelope of a query that Resource Graph refuses: what is wrong with it stands in the details alone. */
function refused(azure: Azure, why: string): AzureError {
  const time = new Date(azure.now()).toISOString();
  const message = `Please provide below info when asking for support: timestamp = ${time}, correlationId = ${randomUUID()}.`;
  const invalid =
    'Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error before retrying.';
  const details = [
    { code: 'InvalidQuery', message: invalid },
    { code: 'NotSimulated', message: `The simulated Azure Resource Graph cannot answer this query: ${why}.` },
  ];
  return new AzureError(400, 'BadRequest', message, { members: { details } });
}

function page(all: readonly Row[], options: NonNullable<z.infer<typeof schema>['options']>): Record<string, unknown> {
  const from = options.$skipToken === undefined ? (options.$skip ?? 0) : offsetOf(options.$skipToken);
  const to = from + (options.$top ?? PAGE);
  const data = all.slice(from, to);
  const more = to < all.length;
  return {
    totalRecords: all.length,
    count: data.length,
    resultTruncated: more ? 'true' : 'false',
    facets: [],
    data: options.resultFormat === 'table' ? table(data) : data,
    ...(more ? { $skipToken: Buffer.from(JSON.stringify({ offset: to })).toString('base64') } : {}),
  };
}

const table = (data: readonly Record<string, unknown>[]): Record<string, unknown> => ({
  columns: Object.keys(data[0] ?? {}).map((name) => ({ name, type: 'object' })),
  rows: data.map((row) => Object.values(row)),
});

function offsetOf(token: string): number {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64').toString());
    return z.object({ offset: z.number() }).parse(parsed).offset;
  } catch {
    throw badRequest('InvalidSkipToken', 'The skip token is not valid.');
  }
}

/** Those that the caller can read, of those asked for by id or by a management group above. */
function subscriptionsOf(
  azure: Azure,
  call: Call,
  ids: string[] | undefined,
  groups: string[] | undefined,
): Subscription[] {
  const wanted = ids === undefined ? undefined : new Set(ids.map((id) => id.toLowerCase()));
  const within = groups === undefined ? undefined : new Set(groups.map((name) => name.toLowerCase()));
  const chosen = new Map<string, boolean>();
  return azure.rbac.visible(call.caller.principalId).filter(({ id, managementGroup }) => {
    if (wanted?.has(id.toLowerCase()) === false) return false;
    if (within === undefined) return true;
    const known =
      chosen.get(managementGroup) ??
      azure.hierarchy.chain(managementGroup).some(({ name }) => within.has(name.toLowerCase()));
    chosen.set(managementGroup, known);
    return known;
  });
}

import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, parseBody, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { randomUUID } from '../random';
import { parseQuery, type Query, type Row, UnsupportedQuery } from './query';
import { asksForResources, resourceRows } from './resources';

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
    if (asksForResources(text)) return ok(paged(resourceRows(azure, call, text), options ?? {}));
    const query = parseQuery(text);
    const found = rows(azure, call, subscriptions, managementGroups).filter(query.matches);
    if (query.descending) found.reverse();
    return ok(page(query, found, options ?? {}));
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

type Options = NonNullable<z.infer<typeof schema>['options']>;

function page(query: Query, found: readonly Row[], options: Options): Record<string, unknown> {
  if (query.count)
    return { totalRecords: 1, count: 1, resultTruncated: 'false', facets: [], data: [{ Count: found.length }] };
  return paged(found.slice(0, query.limit).map(query.project), options);
}

function paged(all: readonly Record<string, unknown>[], options: Options): Record<string, unknown> {
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

function rows(azure: Azure, call: Call, ids: string[] | undefined, groups: string[] | undefined): Row[] {
  const wanted = ids === undefined ? undefined : new Set(ids.map((id) => id.toLowerCase()));
  const within = groups === undefined ? undefined : new Set(groups.map((name) => name.toLowerCase()));
  const chains = new Map<string, { name: string; displayName: string }[]>();
  return azure.rbac.visible(call.caller.principalId).flatMap(({ id, name, tags, state, managementGroup }) => {
    const chain =
      chains.get(managementGroup) ??
      azure.hierarchy.chain(managementGroup).map((one) => ({ name: one.name, displayName: one.displayName }));
    chains.set(managementGroup, chain);
    if (wanted?.has(id.toLowerCase()) === false) return [];
    if (within !== undefined && !chain.some((group) => within.has(group.name.toLowerCase()))) return [];
    const properties = { state, managementGroupAncestorsChain: chain };
    return [{ subscriptionId: id, name, tags, tenantId: azure.tenant.tenantId, properties }];
  });
}

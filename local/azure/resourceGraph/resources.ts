/**
 * The table `resources` of Azure Resource Graph, for the one question that it is asked here: what bears a tag. Rows
 * appear a while after their resource, as in Azure. What is not understood whole is refused in words.
 */
import { type Azure } from '../azure';
import { type Call } from '../http/call';
import { nameOf } from '../http/paths';
import { type Resource } from '../store/resources';
import { UnsupportedQuery } from './query';

/** Azure's documentation names no time; minutes were seen, and mostly less than one. */
const LAG_MS = 60_000;

export const asksForResources = (query: string): boolean => /^\s*resources\s*\|/i.test(query);

type Row = Readonly<Record<string, unknown>>;
const columns = ['id', 'name', 'type', 'location', 'resourceGroup', 'subscriptionId', 'tags'];

/** The rows that the caller may read. */
export function resourceRows(azure: Azure, { caller: { principalId } }: Call, query: string): readonly Row[] {
  const [, ...stages] = query.split('|').map((stage) => stage.trim());
  const readable = azure.rbac
    .visible(principalId)
    .flatMap(({ id }) => azure.resources.below(`/subscriptions/${id}`))
    .filter(({ type, createdAt }) => type.split('/').length === 2 && createdAt + LAG_MS <= azure.now())
    .filter(({ type }) => type !== 'Microsoft.Resources/resourceGroups')
    .filter(({ id, type }) => azure.rbac.permits(principalId, `${type}/read`, id));
  return stages.reduce(carriedOut, readable.map(toRow));
}

function toRow({ id, type, document: { location, tags } }: Resource): Row {
  const [, , subscriptionId = '', , resourceGroup = ''] = id.split('/');
  // Azure has both in lower case in this table, whatever they are elsewhere.
  return {
    id,
    name: nameOf(id),
    type: type.toLowerCase(),
    location,
    resourceGroup: resourceGroup.toLowerCase(),
    subscriptionId,
    tags: tags ?? {},
  };
}

function carriedOut(rows: readonly Row[], stage: string): readonly Row[] {
  const [, tag] = /^where isnotempty\(tags\['([^']+)'\]\)$/.exec(stage) ?? [];
  if (tag !== undefined) return rows.filter(({ tags }) => typeof tags === 'object' && tags !== null && tag in tags);
  const [, names] = /^distinct (.+)$/.exec(stage) ?? [];
  const chosen = names?.split(',').map((name) => name.trim()) ?? [];
  if (chosen.length === 0 || !chosen.every((name) => columns.includes(name)))
    throw new UnsupportedQuery(`on resources, '${stage}' is not simulated`);
  const found = rows.map((row) => Object.fromEntries(chosen.map((name) => [name, row[name]])));
  return [...new Map(found.map((row) => [JSON.stringify(row), row])).values()];
}

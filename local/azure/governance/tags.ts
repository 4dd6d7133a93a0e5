import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, parseBody, type Route } from '../http/call';
import { AzureError, badRequest, resourceNotFound } from '../http/errors';
import { managementGroupOf, nameOf, resourceGroupOf, subscriptionOf } from '../http/paths';
import { demandSubscription } from '../resources/subscriptions';
import { demandTags } from './tagRules';

type Tags = Readonly<Record<string, string>>;

const tags = z.record(z.string(), z.string());
const put = z.looseObject({ properties: z.looseObject({ tags: tags.default({}) }) });
const patch = z.looseObject({
  operation: z.enum(['Merge', 'Replace', 'Delete']),
  properties: z.looseObject({ tags: tags.default({}) }),
});

/** `Microsoft.Resources/tags/default`: the tags of a subscription, a resource group or a resource, without the rest of it. */
export const tagRoutes = (azure: Azure): readonly Route[] => {
  const path = '/_resources/tags/default';
  const route = (method: Route['method'], change: ((before: Tags, call: Call) => Tags) | undefined): Route => ({
    method,
    path,
    api: 'arm',
    handle: (call) => answered(azure, call, change),
  });
  return [
    route('GET', undefined),
    route('PUT', (_, call) => parseBody(put, call).properties.tags),
    route('PATCH', patched),
    route('DELETE', () => ({})),
  ];
};

const key = (tag: string): string => tag.toLowerCase();

function patched(before: Tags, call: Call): Tags {
  const { operation, properties } = parseBody(patch, call);
  const given = Object.entries(properties.tags);
  if (operation === 'Replace') return properties.tags;
  const named = new Map(given.map(([name, value]) => [key(name), value]));
  const others = Object.entries(before).filter(([name]) => !named.has(key(name)));
  if (operation === 'Merge') return Object.fromEntries([...others, ...given]);
  // A tag is deleted only where its value is the one given, or none is.
  const kept = Object.entries(before).filter(([name, value]) => named.has(key(name)) && !['', value].includes(named.get(key(name)) ?? '')); // prettier-ignore
  return Object.fromEntries([...others, ...kept]);
}

function answered(azure: Azure, call: Call, change: ((before: Tags, call: Call) => Tags) | undefined): Answer {
  const target = targetOf(azure, call.scope);
  const left = change?.(target.tags, call);
  if (left !== undefined) {
    demandTags(left);
    target.write(left);
  }
  if (call.method === 'DELETE') return { status: 200 };
  const id = `${target.id}/providers/Microsoft.Resources/tags/default`;
  const properties = { tags: left ?? target.tags };
  return ok({ id, name: 'default', type: 'Microsoft.Resources/tags', properties });
}

interface Target {
  readonly id: string;
  readonly tags: Tags;
  readonly write: (left: Tags) => void;
}

function targetOf(azure: Azure, scope: string): Target {
  const subscriptionId = subscriptionOf(scope);
  if (subscriptionId === undefined || managementGroupOf(scope) !== undefined)
    throw badRequest('InvalidTagScope', `The scope '${scope}' has no tags: subscriptions and what is in them have.`);
  const parts = scope.split('/');
  if (parts.length === 3) {
    const { id, tags: before } = demandSubscription(azure, subscriptionId);
    const write = (left: Tags): void => azure.hierarchy.setTags(id, left);
    return { id: `/subscriptions/${id}`, tags: before, write };
  }
  const found = azure.resources.get(scope);
  if (found === undefined) throw missing(scope);
  return {
    id: found.id,
    tags: found.document.tags ?? {},
    write: (left) => void azure.resources.setDocument(found, { ...found.document, tags: { ...left } }),
  };
}

function missing(scope: string): AzureError {
  const group = resourceGroupOf(scope) ?? '';
  const type = scope.split('/').slice(6, -1).join('/');
  if (type === '') return new AzureError(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`);
  return resourceNotFound(type, nameOf(scope), group);
}

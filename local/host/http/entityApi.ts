/** Entities over HTTP (contract 7.3). */
import { Refused } from '../engine/client';
import { type EntityId, parseEntityId } from '../engine/entityMessages';
import { entityState } from '../engine/entityTurn';
import { timestamp } from '../engine/history';
import { type ApiCall } from './apiCall';
import { empty, json, jsonText, type Reply } from './exchange';
import { compactJson, embed, objectOf } from './jsonText';
import { continuationHeader, listPage, wants } from './paging';

/** One entity's state, or the list of all or of those with a name. */
export function getEntities(call: ApiCall, name: string | undefined, key: string | undefined): Reply {
  if (name !== undefined && key !== undefined) {
    // `$` stands for the empty key, in reading only.
    const state = call.client.entityState({ name, key: key === '$' ? '' : key });
    return state === undefined ? empty(404) : jsonText(200, state);
  }
  const { page, next } = listPage(call, { prefix: name === undefined ? '@' : `@${name.toLowerCase()}@` });
  const withState = wants(call.query, 'fetchState');
  const items = page
    .filter((instance) => entityState(instance) !== undefined)
    .map((instance) =>
      objectOf({
        entityId: JSON.stringify(parseEntityId(instance.id)),
        lastOperationTime: JSON.stringify(timestamp(instance.updatedAt)),
        state: withState ? embed(entityState(instance) ?? null) : 'null',
      }),
    );
  return jsonText(200, `[${items.join(',')}]`, continuationHeader(call, next));
}

/** A body that is not JSON by its type becomes a JSON string; an empty body the empty string. */
export function signalEntity(call: ApiCall, entity: EntityId): Reply {
  const text = call.request.body.toString('utf8');
  const isJson = call.request.headers['content-type']?.toLowerCase().startsWith('application/json') ?? false;
  const input = isJson && text !== '' ? compactJson(text) : JSON.stringify(text);
  if (input === undefined) return json(400, { Message: 'Invalid JSON content' });
  return signal(call, entity, call.query.get('op') ?? '', input);
}

export const deleteEntity = (call: ApiCall, entity: EntityId): Reply => signal(call, entity, 'delete', null);

function signal({ client }: ApiCall, entity: EntityId, operation: string, input: string | null): Reply {
  try {
    client.signalEntity(entity, operation, input);
  } catch (error) {
    if (error instanceof Refused) return json(400, { Message: error.message });
    throw error;
  }
  return empty(202);
}

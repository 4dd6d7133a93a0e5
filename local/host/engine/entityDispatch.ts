/** Carries out what an orchestration decides about entities. */
import { randomUUID } from 'node:crypto';
import { type Core, type Outbox } from './core';
import { type EntityDecision } from './decisions';
import { type EntityId, parseEntityId, postRequest, releaseEvent, replyEvent, requestEvent } from './entityMessages';
import { type HistoryEvent } from './history';
import { type Instance } from './store';
import { unknownFunction } from './texts';

/**
 * Returns the event as it was sent, for history; undefined where nothing is scheduled: then the instance waits for ever,
 * as on Azure (contract 12, only with `strict`).
 */
export function sendToEntity(
  core: Core,
  outbox: Outbox,
  from: Instance,
  decision: EntityDecision,
): HistoryEvent | undefined {
  const { target } = decision;
  const sentAt = outbox.now;
  const parent = { id: from.id, executionId: from.executionId };
  switch (decision.kind) {
    case 'release': {
      const event = releaseEvent(sentAt, { parent: from.id, id: decision.requestId });
      outbox.post(target, event);
      return event;
    }
    case 'lock': {
      const { requestId: id, lockSet } = decision;
      if (core.ports.strict && lockSet.some((one) => unknown(core, one) !== undefined)) return undefined;
      return postRequest(outbox, target, { id, lockSet, position: 0, parent, sentAt });
    }
    case 'entity': {
      const { operation, input, signal, due } = decision;
      const base = { id: randomUUID(), operation, input, signal, parent, sentAt };
      const request = due === undefined ? base : { ...base, due };
      const text = unknown(core, parseEntityId(target));
      if (text === undefined) return postRequest(outbox, target, request);
      if (signal) core.ports.log('warning', from.name, `${from.id}: a signal was dropped. ${text}`);
      else if (core.ports.strict) return undefined;
      else outbox.post(from.id, replyEvent(sentAt, request.id, { result: JSON.stringify(text), failed: true }));
      return requestEvent(request);
    }
  }
}

/** Why there is no such entity, or undefined where there is one. */
function unknown(core: Core, { name }: EntityId): string | undefined {
  const known = core.find('entity', name) !== undefined;
  return known ? undefined : unknownFunction('entity', name, core.ports.functions('entity'));
}

/** Which subscription an event announces. No native event exists for it, so several kinds of event may. Pure. */
import { z } from 'zod';

const guid = z.guid().toLowerCase();
const text = z.string().optional().catch(undefined);

/** Event Grid schema has `subject` and `topic`, CloudEvents 1.0 has `subject` and `source`. */
const envelope = z.looseObject({
  subject: text,
  topic: text,
  source: text,
  data: z
    .looseObject({
      subscriptionId: text,
      resourceUri: text,
      /** The root management group's activity log: "Entity {id} is created with parent entity …". */
      properties: z.looseObject({ message: text }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});

const inId = /\/subscriptions\/([0-9a-f-]{36})(?:\/|$)/i;
/** A custom topic's own id lies in the subscription that hosts it, which announces nothing. */
const wholeId = /^\/subscriptions\/([0-9a-f-]{36})\/?$/i;
const inMessage = /^Entity ([0-9a-f-]{36}) is created/i;

/** The subscription's id in lower case, or nothing where the event names none. */
export function announcedSubscription(event: unknown): string | undefined {
  const { data: read } = envelope.safeParse(event);
  if (!read) return undefined;
  const { data, subject, topic, source } = read;
  const candidates = [
    data?.subscriptionId,
    inMessage.exec(data?.properties?.message ?? '')?.[1],
    ...[data?.resourceUri, subject].map((id) => inId.exec(id ?? '')?.[1]),
    ...[topic, source].map((id) => wholeId.exec(id ?? '')?.[1]),
  ];
  return candidates.map((candidate) => guid.safeParse(candidate).data).find((id) => id !== undefined);
}

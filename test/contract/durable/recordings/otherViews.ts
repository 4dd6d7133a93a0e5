/** Requests whose answer cannot be compared as it is, or is compared twice. */
import { z } from 'zod';
import { RECORDED_PLACE } from './normalise';
import { type RecordedRequest } from './recording';
import { type Shown } from './replayHost';

const WEBHOOK = `${RECORDED_PLACE.origin}/runtime/webhooks/durabletask/`;
const RPC = `${RECORDED_PLACE.rpcOrigin}/durabletask/`;

/**
 * Which instances come first depends on ids that are made up in each run, so of a page of instances we see how many
 * items it has, what keys these have, and the state that was asked for. That the pages make up the whole is a test of its own.
 */
export function pageOf({ url }: RecordedRequest): (answer: Shown) => Shown {
  const { pathname, searchParams } = new URL(url);
  if (!pathname.includes('/instances') || !searchParams.has('top')) return (answer) => answer;
  const byStatus = /^[A-Z]/.test(searchParams.get('runtimeStatus') ?? '');
  return (answer) => ({
    ...answer,
    body: z
      .array(z.record(z.string(), z.unknown()))
      .parse(answer.body)
      .map((item) => ({ keys: Object.keys(item).join(), ...(byStatus && { runtimeStatus: item.runtimeStatus }) })),
  });
}

/** A question about instances to the webhook, put to the RPC address, which answers the same: undefined for other requests. */
export function overRpc(
  { url, method, headers }: RecordedRequest,
  wanted: Shown,
): { request: RecordedRequest; wanted: Shown } | undefined {
  if (method !== 'GET' || !url.startsWith(`${WEBHOOK}instances`)) return undefined;
  const there = (text: string): string => text.replace(/[?&]code=<key>/, '');
  const { location, ...others } = wanted.headers;
  const rpcPath = (text: string): string => there(text).replace(/^.*\/webhooks\/durabletask\//, '<rpc>/durabletask/');
  const isList = Array.isArray(wanted.body);
  const answerHeaders = {
    ...others,
    ...(location !== undefined && { location: rpcPath(location) }),
    // The last page has the header there, too, and it is empty.
    ...(isList && { 'x-ms-continuation-token': others['x-ms-continuation-token'] ?? '' }),
  };
  const order = ['content-type', 'location', 'retry-after', 'x-ms-continuation-token'];
  const sorted = Object.entries(answerHeaders).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  const request = { method, headers, url: there(url).replace(WEBHOOK, RPC) };
  return { request, wanted: { ...wanted, headers: Object.fromEntries(sorted) } };
}

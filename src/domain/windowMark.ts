/**
 * What tells of an access window on the things that it makes: whose it is, and when its time is over. With that the
 * sweep closes it when every other memory of it is lost. Pure.
 */
import { OWNER_TAG, ownerMark } from './resources';

/** On the window's public address, beside the deployment's own tag. */
export const WINDOW_TAG = 'sentry-window';

interface Window {
  readonly deployment: string;
  readonly n: number;
  /** ISO 8601. */
  readonly expiresAt: string;
}
export interface RuleMark extends Window {
  readonly ruleId: string;
  readonly port: number;
}
export interface AddressMark extends Window {
  readonly addressId: string;
  readonly networkInterfaceId: string;
}

/** A rule's description. Azure takes at most 140 characters; a name of 40 makes it about 100. */
export const ruleMark = ({ deployment, n, expiresAt }: Window): string =>
  `${ownerMark(deployment)} sentry ${n} until ${expiresAt}`;

/** The value of the address's tag. The network interface lies in the address's own group, so its name is enough. */
export const addressMark = ({ n, expiresAt, networkInterfaceId }: Omit<AddressMark, 'addressId'>): string =>
  `sentry ${n} until ${expiresAt} on ${nameIn(networkInterfaceId)}`;

const RULE = new RegExp(`^${OWNER_TAG}:([a-z0-9-]+) sentry (\\d+) until (\\S+)$`);
const ADDRESS = /^sentry (\d+) until (\S+) on (\S+)$/;

/** What a rule's description says; undefined where it is not our mark, letter by letter. */
export function readRuleMark({ id = '', description = '', destinationPortRange = '' }: Rule): RuleMark | undefined {
  const [, deployment, n, expiresAt] = RULE.exec(description) ?? [];
  if (deployment === undefined || !isTime(expiresAt)) return undefined;
  return { ruleId: id, port: Number(destinationPortRange), deployment, n: Number(n), expiresAt };
}
interface Rule {
  readonly id?: string | undefined;
  readonly description?: string | undefined;
  readonly destinationPortRange?: string | undefined;
}

/** What an address's tags say; undefined where they are not those of a window's address. */
export function readAddressMark(
  addressId: string,
  tags: Readonly<Record<string, string>> | undefined,
): AddressMark | undefined {
  const deployment = tags?.[OWNER_TAG];
  const [, n, expiresAt, name] = ADDRESS.exec(tags?.[WINDOW_TAG] ?? '') ?? [];
  if (deployment === undefined || name === undefined || !isTime(expiresAt)) return undefined;
  const networkInterfaceId = addressId.replace(/\/publicIPAddresses\/[^/]+$/i, `/networkInterfaces/${name}`);
  return { addressId, deployment, n: Number(n), expiresAt, networkInterfaceId };
}

const nameIn = (id: string): string => id.slice(id.lastIndexOf('/') + 1);
const isTime = (text: string | undefined): text is string => text !== undefined && !Number.isNaN(Date.parse(text));

/** Whose machine answers: its key is pinned on first contact. And why a connection failed, in words. */
import { createHash } from 'node:crypto';

/** Remembers the key that the host showed, and refuses any but the pinned one. */
export function hostCheck(pinned: string | undefined) {
  let key: string | undefined;
  const trusted = (): boolean => key === undefined || pinned === undefined || pinned === key;
  return {
    verify: (shown: Buffer): boolean => {
      key = fingerprintOf(shown);
      return trusted();
    },
    seen: () => key,
    refusal: () => (trusted() ? undefined : `the host key is ${key}, and was ${pinned} at first contact`),
  };
}

/** As OpenSSH shows it: `SHA256:` and base64 without padding. */
function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** A refused connection to a host name is an AggregateError without a message, but with a code. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ('code' in error ? String(error.code) : error.name);
}

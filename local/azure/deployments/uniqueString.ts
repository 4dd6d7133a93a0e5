/** `uniqueString()`: thirteen characters that are Azure's own for the same text (compared with Bicep's). */
export function uniqueString(text: string): string {
  let left = murmurHash(Buffer.from(text, 'utf8'));
  let found = '';
  for (let index = 0; index < 13; index += 1) {
    found += ALPHABET.charAt(Number((left >> 59n) & 31n));
    left = BigInt.asUintN(64, left << 5n);
  }
  return found;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const [C1, C2] = [0x239b961b, 0xab0e9789];

const times = (a: number, b: number): number => Math.imul(a, b) >>> 0;
const plus = (a: number, b: number): number => (a + b) >>> 0;
const xor = (a: number, b: number): number => (a ^ b) >>> 0;
const rotated = (a: number, by: number): number => ((a << by) | (a >>> (32 - by))) >>> 0;

const first = (k: number): number => times(rotated(times(k, C1), 15), C2);
const second = (k: number): number => times(rotated(times(k, C2), 17), C1);

function finished(hash: number): number {
  const once = times(xor(hash, hash >>> 16), 0x85ebca6b);
  const twice = times(xor(once, once >>> 13), 0xc2b2ae35);
  return xor(twice, twice >>> 16);
}

/** A 64-bit variant of MurmurHash3 with two 32-bit lanes. */
function murmurHash(data: Buffer): bigint {
  const { length } = data;
  const whole = length - (length % 8);
  let [h1, h2] = [0, 0];
  for (let at = 0; at < whole; at += 8) {
    h1 = plus(times(plus(rotated(xor(h1, first(data.readUInt32LE(at))), 19), h2), 5), 0x561ccd1b);
    h2 = plus(times(plus(rotated(xor(h2, second(data.readUInt32LE(at + 4))), 13), h1), 5), 0x0bcaa747);
  }
  const rest = length - whole;
  if (rest > 0) h1 = xor(h1, first(data.readUIntLE(whole, Math.min(rest, 4))));
  if (rest > 4) h2 = xor(h2, second(data.readUIntLE(whole + 4, rest - 4)));
  [h1, h2] = [xor(h1, length), xor(h2, length)];
  h1 = plus(h1, h2);
  h2 = plus(h2, h1);
  [h1, h2] = [finished(h1), finished(h2)];
  h1 = plus(h1, h2);
  h2 = plus(h2, h1);
  return (BigInt(h2) << 32n) | BigInt(h1);
}

/**
 * The ids and secrets that this Azure makes up. A seeded one makes up the same ones in the same order, so that a run
 * can be repeated; without a seed they come from the system. Products take them from here, never from node:crypto.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, randomBytes as systemBytes, randomUUID as systemUuid } from 'node:crypto';

/** Bytes from a seed: the SHA-256 of the seed and a counter. */
export class Seeded {
  private count = 0;

  constructor(private readonly seed: string) {}

  bytes(size: number): Buffer {
    const blocks: Buffer[] = [];
    for (let have = 0; have < size; have += 32) {
      blocks.push(createHash('sha256').update(`${this.seed}\0${this.count++}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, size);
  }
}

const source = new AsyncLocalStorage<Seeded>();

/** Runs `work`, and whatever it awaits, with ids from `seeded`, or from the system where it is undefined. */
export const randomly = <T>(seeded: Seeded | undefined, work: () => T): T =>
  seeded === undefined ? work() : source.run(seeded, work);

export const randomBytes = (size: number): Buffer => source.getStore()?.bytes(size) ?? systemBytes(size);

/** A version 4 UUID. */
export function randomUUID(): string {
  const seeded = source.getStore();
  if (seeded === undefined) return systemUuid();
  const bytes = seeded.bytes(16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [0, 8, 12, 16, 20].map((from, index, all) => hex.slice(from, all[index + 1])).join('-');
}

/** A number from 0 up to 1 that is the same for the same seed and the same question. */
export const chanceOf = (seed: string, question: string): number =>
  createHash('sha256').update(`${seed}\0${question}`).digest().readUInt32BE(0) / 2 ** 32;

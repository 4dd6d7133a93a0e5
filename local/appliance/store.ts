/** What the appliances and their console remember: in a folder, or in memory. A PIN is kept as a salted hash. */
import { createHash, randomBytes as systemBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readableKeyPair } from './keyPair';

const collectorSchema = z.object({
  applianceAddress: z.string(),
  email: z.string(),
  /** Absent once it is spent. */
  pin: z.object({ salt: z.string(), hash: z.string(), expiresAt: z.number() }).optional(),
  /** How many subscriptions it collects from; absent while it was never configured. */
  subscriptions: z.int().optional(),
});
export type Collector = z.infer<typeof collectorSchema>;

const stateSchema = z.object({
  collectors: z.array(collectorSchema),
  /** By the VM's id. */
  configured: z.record(z.string(), z.object({ email: z.string(), subscriptions: z.int() })),
  /** Lines of authorized_keys by the VM's id, where somebody changed them. */
  authorized: z.record(z.string(), z.array(z.string())).default({}),
});

/** The account that is signed in to the console. */
const administrator = 'administrator@contoso.example';
const pinMinutes = 60;

/** Where the store keeps its texts, by name. */
interface Shelf {
  read(name: string): string | undefined;
  write(name: string, text: string): void;
  /** What a guess at a PIN costs, as scrypt's N. */
  readonly hashCost: number;
}

/** Files for their owner's eyes only, host keys in files of their own. */
export function inFolder(folder: string): Shelf {
  mkdirSync(join(folder, 'host-keys'), { recursive: true, mode: 0o700 });
  return {
    read: (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined),
    write: (name, text) => {
      const file = join(folder, name);
      writeFileSync(`${file}.new`, text, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    },
    hashCost: 16_384,
  };
}

/** Gone with the process: nobody else sees the hashes, so they may be quick. */
export function inMemory(): Shelf {
  const texts = new Map<string, string>();
  return { read: (name) => texts.get(name), write: (name, text) => void texts.set(name, text), hashCost: 2 };
}

const stateFile = 'state.json';

export class Store {
  readonly #shelf: Shelf;
  readonly #state: z.infer<typeof stateSchema>;
  readonly #randomBytes: (size: number) => Buffer;

  /** `randomBytes`: what PINs are made of; the system's, unless a run is to be repeated. */
  constructor(shelf: Shelf, randomBytes: (size: number) => Buffer = systemBytes) {
    this.#shelf = shelf;
    this.#randomBytes = randomBytes;
    this.#state = stateSchema.parse(JSON.parse(shelf.read(stateFile) ?? '{"collectors":[],"configured":{}}'));
  }

  get collectors(): readonly Collector[] {
    return this.#state.collectors;
  }

  /** Registers an appliance, or gives one that is registered a fresh PIN; the PIN before it is void. */
  register(applianceAddress: string): { readonly email: string; readonly pin: string } {
    // Six of 48 bits: no PIN is likelier than another by more than one in 280 million.
    const pin = String(this.#randomBytes(6).readUIntBE(0, 6) % 1_000_000).padStart(6, '0');
    const salt = this.#randomBytes(16).toString('hex');
    const expiresAt = Date.now() + pinMinutes * 60_000;
    let collector = this.collectors.find((known) => known.applianceAddress === applianceAddress);
    if (collector === undefined) {
      collector = { applianceAddress, email: administrator };
      this.#state.collectors.push(collector);
    }
    collector.pin = { salt, hash: this.#hashOf(pin, salt).toString('hex'), expiresAt };
    this.#save();
    return { email: collector.email, pin };
  }

  /** The registration of one of these addresses that email and PIN prove; undefined when there is none. */
  proven(addresses: readonly string[], email: string, pin: string): Collector | undefined {
    return this.collectors.find(
      (collector) =>
        addresses.includes(collector.applianceAddress) &&
        collector.email.toLowerCase() === email.toLowerCase() &&
        collector.pin !== undefined &&
        collector.pin.expiresAt > Date.now() &&
        timingSafeEqual(this.#hashOf(pin, collector.pin.salt), Buffer.from(collector.pin.hash, 'hex')),
    );
  }

  isConfigured(vmId: string): boolean {
    return vmId in this.#state.configured;
  }

  /** The end of a configuration that went well: only now is the PIN spent. */
  configure(vmId: string, collector: Collector, subscriptions: number): void {
    delete collector.pin;
    collector.subscriptions = subscriptions;
    this.#state.configured[vmId] = { email: collector.email, subscriptions };
    this.#save();
  }

  /** The lines of its user's authorized_keys; undefined where they are as Azure wrote them. */
  authorized(vmId: string): readonly string[] | undefined {
    return this.#state.authorized[vmId];
  }

  authorize(vmId: string, lines: readonly string[]): void {
    this.#state.authorized[vmId] = [...lines];
    this.#save();
  }

  /** The VM's private host key, made at first contact. */
  hostKey(vmId: string): string {
    const name = `host-keys/${createHash('sha256').update(vmId).digest('hex').slice(0, 32)}`;
    const stored = this.#shelf.read(name);
    if (stored !== undefined) return stored;
    const made = readableKeyPair().private;
    this.#shelf.write(name, made);
    return made;
  }

  #hashOf(pin: string, salt: string): Buffer {
    return scryptSync(pin, salt, 32, { N: this.#shelf.hashCost });
  }

  #save(): void {
    this.#shelf.write(stateFile, JSON.stringify(this.#state, undefined, 2));
  }
}

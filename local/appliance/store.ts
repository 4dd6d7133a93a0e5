/** What the appliances and their console remember. A PIN is kept as a salted hash, and host keys in files of their own. */
import { createHash, randomBytes, randomInt, scryptSync, timingSafeEqual } from 'node:crypto';
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
const hashOf = (pin: string, salt: string): Buffer => scryptSync(pin, salt, 32);

export class Store {
  readonly #folder: string;
  readonly #file: string;
  readonly #state: z.infer<typeof stateSchema>;

  constructor(folder: string) {
    this.#folder = folder;
    this.#file = join(folder, 'state.json');
    mkdirSync(join(folder, 'host-keys'), { recursive: true, mode: 0o700 });
    this.#state = existsSync(this.#file)
      ? stateSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')))
      : { collectors: [], configured: {}, authorized: {} };
  }

  get collectors(): readonly Collector[] {
    return this.#state.collectors;
  }

  /** Registers an appliance, or gives one that is registered a fresh PIN; the PIN before it is void. */
  register(applianceAddress: string): { readonly email: string; readonly pin: string } {
    const pin = String(randomInt(1_000_000)).padStart(6, '0');
    const salt = randomBytes(16).toString('hex');
    const expiresAt = Date.now() + pinMinutes * 60_000;
    let collector = this.collectors.find((known) => known.applianceAddress === applianceAddress);
    if (collector === undefined) {
      collector = { applianceAddress, email: administrator };
      this.#state.collectors.push(collector);
    }
    collector.pin = { salt, hash: hashOf(pin, salt).toString('hex'), expiresAt };
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
        timingSafeEqual(hashOf(pin, collector.pin.salt), Buffer.from(collector.pin.hash, 'hex')),
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
    const file = join(this.#folder, 'host-keys', createHash('sha256').update(vmId).digest('hex').slice(0, 32));
    if (!existsSync(file)) write(file, readableKeyPair().private);
    return readFileSync(file, 'utf8');
  }

  #save(): void {
    write(this.#file, JSON.stringify(this.#state, undefined, 2));
  }
}

function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

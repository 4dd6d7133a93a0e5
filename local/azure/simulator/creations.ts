import { z } from 'zod';
import { parentOf } from '../http/paths';
import { type Call, type Answer } from '../http/call';
import { type Database } from '../store/database';

const row = z.object({ caller: z.string(), time: z.number() });
const made = z.looseObject({ id: z.string() });

/** What the tenant had to begin with was made by nobody. */
const TENANT = 'tenant';

/** Who made what: a row for each thing that a request made, by its ARM id or object id. */
export class Creations {
  constructor(
    private readonly db: Database,
    private readonly now: () => number,
  ) {}

  /** Notes what an answered call has made, if it made something. */
  note(call: Call, { status, body }: Answer): void {
    // A vault answers 200 to a new secret as to a new version of an old one.
    const isSecret = status === 200 && call.method === 'PUT' && /^\/secrets\/[^/]+$/i.test(call.path);
    // Disks and storage accounts are accepted alike, new or changed.
    const isAccepted = status === 202 && call.method === 'PUT';
    if (status !== 201 && !((isSecret || isAccepted) && this.makerOf(call.path)?.time === null)) return;
    const id = call.method === 'PUT' ? call.path : made.safeParse(body).data?.id;
    if (id !== undefined) this.add(id, call.caller.principalId);
  }

  /** Everything that stands in the state now belongs to the tenant. */
  noteTenant(ids: readonly string[]): void {
    for (const id of ids) this.add(id, TENANT);
  }

  /** The maker of a thing, or of what it is part of; undefined where it was there from the beginning. */
  makerOf(id: string): { readonly caller: string; readonly time: number | null } | undefined {
    const found = this.db.row(row, 'SELECT caller, time FROM creations WHERE key = ?', id.toLowerCase());
    if (found !== undefined) return found.caller === TENANT ? undefined : found;
    const parent = /^\/subscriptions\/.+\/.+\/.+/i.test(id) ? parentOf(id) : '';
    return (
      (parent === '' || /\/providers\/[^/]+$/i.test(parent) ? undefined : this.makerOf(parent)) ?? {
        caller: '',
        time: null,
      }
    );
  }

  private add(id: string, caller: string): void {
    this.db.run('INSERT OR REPLACE INTO creations VALUES (?, ?, ?)', id.toLowerCase(), caller, this.now());
  }
}

import { z } from 'zod';
import { AzureError } from '../http/errors';
import { type Database } from '../store/database';

type State = 'Registered' | 'Registering' | 'NotRegistered';

/** Which resource providers a subscription may use. Registering takes a while. */
export class Registrations {
  constructor(
    private readonly db: Database,
    private readonly now: () => number,
    /** Namespaces that no subscription has until it registers them. */
    private readonly absent: readonly string[],
  ) {}

  state(subscriptionId: string, namespace: string): State {
    if (!this.absent.some((name) => name.toLowerCase() === namespace.toLowerCase())) return 'Registered';
    const sql = 'SELECT readyAt FROM registrations WHERE subscription = ? AND namespace = ?';
    const found = this.db.row(z.object({ readyAt: z.number() }), sql, subscriptionId, namespace);
    if (found === undefined) return 'NotRegistered';
    return found.readyAt <= this.now() ? 'Registered' : 'Registering';
  }

  register(subscriptionId: string, namespace: string, readyAt: number): void {
    this.db.run('INSERT OR IGNORE INTO registrations VALUES (?, ?, ?)', subscriptionId, namespace, readyAt);
  }

  demand(subscriptionId: string, namespace: string): void {
    if (this.state(subscriptionId, namespace) === 'Registered') return;
    throw new AzureError(
      409,
      'MissingSubscriptionRegistration',
      `The subscription is not registered to use namespace '${namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions.`,
    );
  }
}

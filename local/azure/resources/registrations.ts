import { z } from 'zod';
import { AzureError } from '../http/errors';
import { type Database } from '../store/database';

type State = 'Registered' | 'Registering' | 'NotRegistered' | 'Unregistering' | 'Unregistered';

const row = z.object({ readyAt: z.number() });

/** Which resource providers, and which of their features, a subscription may use. Registering takes a while, and so does the way back. */
export class Registrations {
  constructor(
    private readonly db: Database,
    private readonly now: () => number,
    /** Namespaces and features (`namespace/feature`) that no subscription has until it registers them. */
    private readonly absent: readonly string[],
  ) {}

  state(subscriptionId: string, namespace: string): State {
    const sql = 'SELECT readyAt FROM registrations WHERE subscription = ? AND namespace = ?';
    const found = this.db.row(row, sql, subscriptionId, namespace);
    if (found === undefined) return this.isAbsent(namespace) ? 'NotRegistered' : 'Registered';
    // A time below zero is that of an unregistration.
    if (found.readyAt < 0) return -found.readyAt <= this.now() ? 'Unregistered' : 'Unregistering';
    return found.readyAt <= this.now() ? 'Registered' : 'Registering';
  }

  /** Once more does not hasten it. */
  register(subscriptionId: string, namespace: string, readyAt: number): void {
    if (this.state(subscriptionId, namespace) === 'Registering') return;
    this.set(subscriptionId, namespace, readyAt);
  }

  unregister(subscriptionId: string, namespace: string, doneAt: number): void {
    if (['Registered', 'Registering'].includes(this.state(subscriptionId, namespace)))
      this.set(subscriptionId, namespace, -doneAt);
  }

  demand(subscriptionId: string, namespace: string): void {
    if (this.state(subscriptionId, namespace) === 'Registered') return;
    throw new AzureError(
      409,
      'MissingSubscriptionRegistration',
      `The subscription is not registered to use namespace '${namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions.`,
      {
        members: {
          details: [
            {
              code: 'MissingSubscriptionRegistration',
              target: namespace,
              message: `The subscription is not registered to use namespace '${namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions.`,
            },
          ],
        },
      },
    );
  }

  private set(subscriptionId: string, namespace: string, readyAt: number): void {
    this.db.run('INSERT OR REPLACE INTO registrations VALUES (?, ?, ?)', subscriptionId, namespace, readyAt);
  }

  private isAbsent(namespace: string): boolean {
    return this.absent.some((name) => name.toLowerCase() === namespace.toLowerCase());
  }
}

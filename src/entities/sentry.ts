/** `sentry@{deployment}-{n}`: one Sentry's resources, subscriptions and stage. Written by its orchestrator alone. */
import type { SentryState, WindowReceipt } from '../domain/states';
import { entity } from './entity';

export type SentryPatch = Partial<Omit<SentryState, 'receipts' | 'n'>> & {
  readonly receipt?: WindowReceipt;
  /** Subscriptions that are this Sentry's no longer. */
  readonly forget?: readonly string[];
};

/** What a run of a Sentry starts from. */
interface SentryBeginning {
  readonly configured: SentryState['configured'] | null;
}

const initial = (n: number, instanceId: string): SentryState => ({
  n,
  instanceId,
  stage: 'resources',
  resources: {},
  subscriptions: {},
  receipts: [],
});

export const sentryOperations = {
  begin: (before: SentryState | null, { n, instanceId }: { readonly n: number; readonly instanceId: string }) => {
    const state: SentryState = {
      ...(before ?? initial(n, instanceId)),
      instanceId,
      stage: 'resources',
      handoff: null,
      stopped: null,
    };
    return { state, answer: { configured: state.configured ?? null } satisfies SentryBeginning };
  },
  patch: (before: SentryState | null, { receipt, forget = [], ...changes }: SentryPatch) => {
    if (!before) return { state: before };
    const subscriptions = { ...before.subscriptions, ...changes.subscriptions };
    return {
      state: {
        ...before,
        ...changes,
        resources: { ...before.resources, ...changes.resources },
        subscriptions: Object.fromEntries(Object.entries(subscriptions).filter(([id]) => !forget.includes(id))),
        receipts: receipt ? [...before.receipts, receipt] : before.receipts,
      },
    };
  },
};

export const sentryEntity = entity<SentryState | null>(null, sentryOperations);

/** `sentry@{deployment}-{n}`: one Sentry's resources, subscriptions, stage and receipts. */
import { CREDENTIALS } from '../domain/blueprint/identity';
import { madeIn, type SentryState, withOutputs } from '../domain/states';
import type { OpenWindow, WindowReceipt } from '../domain/window';
import { entity } from './entity';

type State = SentryState | null;
export type SentryPatch = Partial<Omit<SentryState, 'receipts' | 'window' | 'address' | 'n' | 'instanceId'>> & {
  /** Subscriptions that are this Sentry's no longer. */
  readonly forget?: readonly string[];
  /** Keys of resources that it has no longer. */
  readonly gone?: readonly string[];
};

/** What a run of a Sentry starts from. */
export interface Beginning {
  readonly configured: NonNullable<SentryState['configured']> | null;
  /** Pinned on first contact. */
  readonly hostKey: string | null;
  /** Subscriptions that it had before. */
  readonly known: readonly string[];
  /** Where it was granted roles before: what is wanted no longer is taken back. */
  readonly scopes: readonly string[];
  /** Those that the appliance was set up for. */
  readonly collected: readonly string[];
  /** Those that its own principal was seen to read: shown until this run has asked itself. */
  readonly proven: readonly string[];
  readonly hadController: boolean;
  /** Keys of the credentials that it has had: what is wanted no longer is taken away. */
  readonly credentials: readonly string[];
  /** Who was granted them. */
  readonly principalId: string | null;
  /** The client secret that the appliance was told: another one has to be told to it. */
  readonly keyId: string | null;
  /** Its last window is not proven closed. */
  readonly unclosed: boolean;
  /** Ids of what it made. */
  readonly made: readonly string[];
}

const initial = (n: number, instanceId: string): SentryState => ({
  n,
  instanceId,
  stage: 'resources',
  resources: {},
  subscriptions: {},
  receipts: [],
});

const beginningOf = ({
  configured,
  hostKey,
  resources,
  subscriptions,
  scopes,
  principalId,
  keyId,
  controller,
  receipts,
}: SentryState): Beginning => ({
  configured: configured ?? null,
  hostKey: hostKey ?? null,
  known: Object.keys(subscriptions),
  scopes: scopes ?? Object.keys(subscriptions).map((id) => `/subscriptions/${id}`),
  collected: Object.entries(subscriptions).flatMap(([id, one]) =>
    one.state === 'granted' && one.collected ? [id] : [],
  ),
  proven: Object.entries(subscriptions).flatMap(([id, one]) => (one.state === 'granted' && one.proven ? [id] : [])),
  hadController: controller ?? false,
  credentials: Object.keys(resources).filter((key) => CREDENTIALS.includes(key)),
  principalId: principalId ?? null,
  keyId: keyId ?? null,
  unclosed: receipts.at(-1)?.provenClosed === false,
  made: madeIn(resources),
});

const without = <T>(table: Readonly<Record<string, T>>, keys: readonly string[]): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(table).filter(([key]) => !keys.includes(key)));

export const sentryOperations = {
  begin: (before: State, { n, instanceId }: { readonly n: number; readonly instanceId: string }) => {
    const state: SentryState = {
      ...(before ?? initial(n, instanceId)),
      instanceId,
      stage: 'resources',
      handoff: null,
      stopped: null,
    };
    return { state, answer: beginningOf(state) };
  },
  /** What a run would start from; nothing is changed. */
  look: (before: State, { n }: { readonly n: number }) => ({
    state: before,
    answer: beginningOf(before ?? initial(n, '')),
  }),
  /** Ids of what it made. */
  made: (before: State, _: null) => ({ state: before, answer: madeIn(before?.resources) }),
  /** Written by the run that began last alone: one that was terminated and lives on below changes nothing. */
  patch: (before: State, { from, patch }: { readonly from: string; readonly patch: SentryPatch }) => {
    if (before?.instanceId !== from) return { state: before };
    const { forget = [], gone = [], ...changes } = patch;
    const subscriptions = { ...before.subscriptions, ...changes.subscriptions };
    return {
      state: {
        ...before,
        ...changes,
        resources: without({ ...before.resources, ...withOutputs(before.resources, changes.resources) }, gone),
        subscriptions: without(subscriptions, forget),
      },
    };
  },
  /** A window is open, or stays open for another time. */
  window: (before: State, window: OpenWindow) => ({ state: before && { ...before, window, address: window.address } }),
  /** A window is closed, or is not proven closed yet: then a later receipt takes this one's place. */
  receipt: (before: State, receipt: WindowReceipt) => {
    const others = before?.receipts.filter((one) => one.provenClosed || one.openedAt !== receipt.openedAt) ?? [];
    return { state: before && { ...before, window: null, address: null, receipts: [...others, receipt] } };
  },
};

export const sentryEntity = entity<State>(null, sentryOperations);

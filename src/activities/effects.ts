/** What a kind of resource can be asked: the three effects that each file beside this one gives for its kind. */
import type { Accepted, ArmBody, ArmStore } from '../azure/ports';
import type { Outputs, Refused } from '../domain/outcome';
import { type Kind, kinds, OWNER_TAG, ownerMark, type SpecOf } from '../domain/resources';
import { mergedInto } from './merge';

export interface Observed {
  /** In the shape of the kind's `wanted`, with whatever else Azure shows. */
  readonly value: object;
  readonly ours: boolean;
  readonly outputs: Outputs;
  readonly etag?: string | undefined;
  /** Why it may not be used, nor changed, though it may be removed if it is ours. */
  readonly obstacle?: Refused | undefined;
  /** Set while Azure is still at work on it, or gave up on it. */
  readonly provisioning?: 'busy' | 'failed' | undefined;
  /** Why it failed, where Azure said so and would say so again: tried once in each run, not for as long as there is patience. */
  readonly failure?: Refused | undefined;
  /** How far it is while it is busy, where that takes long: when to look again, and for how long. */
  readonly progress?: { readonly text: string; readonly seconds: number; readonly patienceSeconds: number } | undefined;
}

/**
 * A write's answer: still running, or finished with the outputs if the write itself told them. `ours` is false where
 * it turned out that the thing is another's: it was left as it is.
 */
export type Submitted = Accepted & { readonly outputs?: Outputs | undefined; readonly ours?: boolean };

export interface Effects<K extends Kind> {
  observe(spec: SpecOf<K>): Promise<Observed | undefined>;
  put(spec: SpecOf<K>, observed: Observed | undefined): Promise<Submitted>;
  remove(spec: SpecOf<K>, observed: Observed): Promise<Submitted>;
  /** Why one that is not there cannot be made. */
  absent?(spec: SpecOf<K>): Refused;
  /** Is there another hand's thing that `put` would find and use in its place? Asked by plans, where `put` is not. */
  findTwin?(spec: SpecOf<K>): Promise<boolean>;
}
export type AllEffects = { readonly [K in Kind]: Effects<K> };

/** Effects of a plain ARM resource: get, put (merged, with If-Match) and delete by id. `read` gives what else there is to tell. */
export const armEffects = <K extends Kind>(
  store: ArmStore<SpecOf<K>['wanted']>,
  read: (body: ArmBody, spec: SpecOf<K>) => { readonly outputs?: Outputs; readonly ours?: boolean } = () => ({}),
): Effects<K> => ({
  observe: async (spec) => {
    const body = await store.get(spec.id);
    return body && observedArm(body, spec, read(body, spec));
  },
  put: (spec, observed) =>
    store.put(spec.id, mergedInto(observed?.value, spec.wanted, kinds[spec.kind].exact), observed?.etag),
  remove: (spec) => store.delete(spec.id),
});

export function observedArm(
  body: ArmBody,
  spec: SpecOf<Kind>,
  told: { readonly outputs?: Outputs; readonly ours?: boolean } = {},
): Observed {
  const state = body.provisioningState;
  return {
    value: body,
    ours: told.ours ?? body.tags?.[OWNER_TAG] === spec.deployment,
    outputs: { id: body.id ?? spec.id, ...told.outputs },
    etag: body.etag,
    provisioning:
      state === undefined || state === 'Succeeded'
        ? undefined
        : state === 'Failed' || state === 'Canceled'
          ? 'failed'
          : 'busy',
  };
}

/** Our mark in a text or a list of texts, where a thing has no tags. */
export const bearsMark = (marks: string | readonly string[] | null | undefined, deployment: string): boolean =>
  (typeof marks === 'string' ? marks.split(' ') : (marks ?? [])).includes(ownerMark(deployment));

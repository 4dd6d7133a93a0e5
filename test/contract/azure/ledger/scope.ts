/** What the ledger answers for, and what it lets pass, each with the reason. */

/** Folders of local/azure. Another is one more name here. */
export const folders: readonly string[] = ['compute', 'deployments', 'identity', 'metrics', 'network', 'resources', 'storage']; // prettier-ignore

/** Operations, by the end of their names, that no SDK asks: plain requests stand in. */
export const withoutSdk: readonly (readonly [operation: string, why: string])[] = [];

/** Refusals, by a part of their code and words, that no request can meet. */
export const unseen: readonly (readonly [words: string, why: string])[] = [];

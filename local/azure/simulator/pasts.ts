/** What single resources were before the last write to them: what a stale read gives, of one or in a list. */
import { type Answer } from '../http/call';
import { scopesWithin } from '../http/paths';

/** Paths whose state before a write is kept. */
const MOST = 5_000;

export class Pasts {
  private readonly answers = new Map<string, Answer>();
  /** Ids of what is kept, by the lists that show them. */
  private readonly lists = new Map<string, Set<string>>();

  /** @param answer what a GET of the path gave before the write */
  keep(path: string, answer: Answer): void {
    if (this.answers.size >= MOST) {
      this.answers.clear();
      this.lists.clear();
    }
    const id = path.toLowerCase();
    this.answers.set(id, answer);
    for (const list of listsOf(id)) this.lists.set(list, (this.lists.get(list) ?? new Set()).add(id));
  }

  /** Whether a read of the path has something old to give. */
  knows(path: string): boolean {
    return this.answers.has(path.toLowerCase()) || this.lists.has(path.toLowerCase());
  }

  /** Of a single resource. */
  of(path: string): Answer | undefined {
    return this.answers.get(path.toLowerCase());
  }

  /** A list as it was: without what is new, with what was deleted, and with the old state of what was changed. */
  list(path: string, filter: string | undefined, answer: Answer): Answer {
    const { body } = answer;
    if (!isObject(body) || !Array.isArray(body['value'])) return answer;
    let items: unknown[] = body['value'];
    for (const id of this.lists.get(path.toLowerCase()) ?? []) {
      const past = this.answers.get(id);
      const at = items.findIndex((one) => idOf(one) === id);
      const was = past?.status === 200 && fits(past.body, filter) ? past.body : undefined;
      if (was === undefined) items = items.filter((_, index) => index !== at);
      // Lists over all types show less of each: what is changed in them is not told here.
      else if (!ALL_TYPES.test(path)) items = at < 0 ? [...items, was] : items.with(at, was);
    }
    return { ...answer, body: { ...body, value: items } };
  }
}

const ALL_TYPES = /^\/subscriptions\/[^/]+(\/resourcegroups\/[^/]+)?\/resources$/i;
const ASSIGNMENTS = '/providers/microsoft.authorization/roleassignments';
const TOP_LEVEL = /^(\/subscriptions\/[^/]+)(\/resourcegroups\/[^/]+)\/providers\/([^/]+\/[^/]+)\/[^/]+$/;

/** The lists that show what has this id, lowered: its siblings', and those of the scopes above. */
function listsOf(id: string): string[] {
  const collection = id.slice(0, id.lastIndexOf('/'));
  if (collection.endsWith(ASSIGNMENTS)) {
    const scope = collection.slice(0, -ASSIGNMENTS.length);
    return scopesWithin(scope).map((one) => `${one}${ASSIGNMENTS}`);
  }
  const [, subscription = '', group = '', type] = TOP_LEVEL.exec(id) ?? [];
  if (type === undefined) return [collection];
  return [
    collection,
    `${subscription}/providers/${type}`,
    `${subscription}/resources`,
    `${subscription}${group}/resources`,
  ];
}

/** Whether a filter would have let it through: all that it quotes must be in it. */
const fits = (body: unknown, filter = ''): boolean => {
  const text = JSON.stringify(body).toLowerCase();
  return [...filter.matchAll(/'([^']*)'/g)].every(([, quoted = '']) => text.includes(quoted.toLowerCase()));
};

const idOf = (item: unknown): string =>
  isObject(item) && typeof item['id'] === 'string' ? item['id'].toLowerCase() : '';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The shell script that asks an appliance what it reaches and what its managed identity may read, and what its answer
 * means. Whoever can run a script on the appliance can prove with it. No token is printed, nor a part of a command
 * line, where the appliance's other users would see it. Pure.
 */

export interface Questions {
  /** `https://host` or `https://host:port`: what it must reach. */
  readonly origins: readonly string[];
  /** Absent where the appliance signs in as an application: the app asks for that itself. */
  readonly identity?: Identity | undefined;
}
interface Identity {
  readonly clientId: string;
  readonly armEndpoint: string;
  /** What ARM's tokens are asked for. */
  readonly armAudience: string;
}

export interface Unreached {
  readonly origin: string;
  readonly why: string;
}
/** What one run of the script said. */
export interface Answered {
  readonly reached: readonly string[];
  readonly unreached: readonly Unreached[];
  /** Subscriptions that the identity may read, in lower case, one page of them. */
  readonly readable: readonly string[];
  readonly nextLink?: string | undefined;
  /** Why there is no listing. */
  readonly problem?: string | undefined;
}

/** What an appliance was found to reach and read. */
export interface Found {
  readonly kind: 'answered';
  readonly reached: readonly string[];
  readonly unreached: readonly Unreached[];
  /** Which of its subscriptions the identity reads; absent where it was not asked, or did not answer. */
  readonly readable?: readonly string[] | undefined;
  readonly problem?: string | undefined;
}

const REACH_SECONDS = 15;
const LISTING_SECONDS = 60;
/** The metadata service answers from the machine's own host: no proxy lies between. */
const METADATA = 'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01';

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Any HTTP status proves the way: TCP, TLS and an answer. `curl` prints 000 where there was none, and exits with why.
 * The origin goes by its place in the list: of a run command Azure keeps the last 4,096 bytes.
 */
const reachLines = (origin: string, at: number): readonly string[] => [
  `code=$(curl -s -o /dev/null -w '%{http_code}' --max-time ${REACH_SECONDS} ${quoted(`${origin}/`)})`,
  `echo "reach ${at} $? $code"`,
];

/**
 * The token goes to `curl` by its standard input (`-K -`, which old versions know too). Of the listing only the wanted
 * subscriptions are told, without the beginning of their field's name: fifty make 2,200 bytes.
 */
function listingLines({ clientId, armAudience }: Identity, ids: readonly string[], page: string): readonly string[] {
  const query = `&client_id=${encodeURIComponent(clientId)}&resource=${encodeURIComponent(armAudience)}`;
  const each = ids.map((id) => `Id": *"${id}"`);
  const wanted = [...each, '"nextLink": *"[^"]*"', '"code": *"[^"]*"', '^status [0-9]*$'];
  return [
    `token=$(curl -s --noproxy '*' --max-time ${REACH_SECONDS} -H 'Metadata: true' ${quoted(METADATA + query)} | sed -n 's/.*"access_token": *"\\([^"]*\\)".*/\\1/p')`,
    'echo "identity ${#token}"',
    [
      `printf 'header = "Authorization: Bearer %s"\\n' "$token"`,
      `curl -s -K - --max-time ${LISTING_SECONDS} -w '\\nstatus %{http_code}\\n' ${quoted(page)}`,
      `grep -oi ${wanted.map((pattern) => `-e ${quoted(pattern)}`).join(' ')}`,
    ].join(' | '),
  ];
}

/** The whole script; with `page`, the next page of the listing alone. `wanted`: whose listing is told, in lower case. */
export function proofScript({ origins, identity }: Questions, wanted: readonly string[], page?: string): string {
  const first = identity && `${identity.armEndpoint}/subscriptions?api-version=2022-12-01`;
  const url = page ?? first;
  return [
    ...(page === undefined ? origins.flatMap(reachLines) : []),
    ...(identity && url !== undefined ? listingLines(identity, wanted, url) : []),
  ].join('\n');
}

/** `curl`'s exit codes, as its manual has them. */
const EXITS: Readonly<Record<string, string>> = {
  5: 'the name of its proxy is not resolved',
  6: 'its name is not resolved',
  7: 'the connection is refused',
  28: `nothing answers within ${REACH_SECONDS} s`,
  35: 'TLS is cut off on the way',
  52: 'the connection is closed without an answer',
  56: 'the connection is cut off',
  60: 'its certificate is not trusted: something on the way reads TLS',
  127: 'the appliance has no curl to ask with',
};

const each = (output: string, pattern: RegExp): readonly string[] =>
  [...output.matchAll(pattern)].flatMap(([, found]) => found ?? []);

/** Reads what the script of these questions printed. An origin without a line was not asked: it is not reached. */
export function readAnswers(output: string, { origins, identity }: Questions): Answered {
  const lines = [...output.matchAll(/^reach (\d+) (\d+) (\d*)\r?$/gm)];
  const asked = origins.map((origin, at) => {
    const [, , exit = '', status = ''] = lines.find(([, place]) => place === String(at)) ?? [];
    // A proxy that refuses the way ends curl with 56, whatever it answered itself.
    if (exit === '0' && Number(status) > 0) return { origin };
    return { origin, why: exit === '' ? 'the script broke off before it' : (EXITS[exit] ?? `curl ended with ${exit}`) };
  });
  const unreached = asked.flatMap(({ origin, why }) => (why === undefined ? [] : [{ origin, why }]));
  const reached = asked.flatMap(({ origin, why }) => (why === undefined ? [origin] : []));
  return { reached, unreached, ...(identity ? readListing(output) : { readable: [] }) };
}

function readListing(output: string): Pick<Answered, 'readable' | 'nextLink' | 'problem'> {
  const [status] = each(output, /^status (\d+)\r?$/gm);
  const [length] = each(output, /^identity (\d+)\r?$/gm);
  const readable = each(output, /Id": *"([^"]*)"/gi).map((id) => id.toLowerCase());
  if (status === '200') return { readable, nextLink: each(output, /"nextLink": *"([^"]+)"/g)[0] };
  if (length === '0') return { readable, problem: 'the metadata service gave no token of its managed identity' };
  const [code] = each(output, /"code": *"([^"]*)"/g);
  const answer = status === undefined || status === '000' ? 'did not answer' : `answered ${status}`;
  return { readable, problem: `Azure Resource Manager ${answer}${code === undefined ? '' : ` (${code})`}` };
}

/** One Sentry's identity reads 50 subscriptions; an existing one that reads thousands has as many pages as this. */
const MOST_PAGES = 50;

/** The page to ask for next, until all of `wanted` are seen, or else what the pages of one asking come to. */
export function nextOf(
  pages: readonly Answered[],
  questions: Questions,
  wanted: readonly string[],
): { readonly page: string } | Found {
  const seen = new Set(pages.flatMap(({ readable }) => readable));
  const last = pages.at(-1);
  const page = wanted.every((id) => seen.has(id)) ? undefined : last?.nextLink;
  if (!last || page === undefined || pages.length >= MOST_PAGES) return foundIn(pages, questions, wanted);
  // The token goes where the link leads.
  if (isSameOrigin(page, questions.identity?.armEndpoint)) return { page };
  return foundIn([...pages, { ...last, problem: 'the listing goes on at another host' }], questions, wanted);
}

const isSameOrigin = (url: string, other: string | undefined): boolean =>
  other !== undefined && URL.canParse(url) && new URL(url).origin === new URL(other).origin;

/** What the pages of one asking come to; the first tells of the way out as well. `wanted` in lower case. */
function foundIn(pages: readonly Answered[], { identity }: Questions, wanted: readonly string[]): Found {
  const seen = new Set(pages.flatMap(({ readable }) => readable));
  const problem = pages.at(-1)?.problem;
  return {
    kind: 'answered',
    reached: pages[0]?.reached ?? [],
    unreached: pages[0]?.unreached ?? [],
    ...(identity && problem === undefined ? { readable: wanted.filter((id) => seen.has(id)) } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

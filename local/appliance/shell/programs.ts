/** The text programs of a Linux machine, as far as scripts need them. */

export interface Ran {
  readonly output: string;
  readonly status: number;
}
/** Takes its parameters and its standard input. */
export type Program = (parameters: readonly string[], input: string) => Ran | Promise<Ran>;

const usage: Ran = { output: '', status: 2 };
const linesOf = (text: string): readonly string[] => text.replace(/\n$/, '').split('\n');
const unescaped = (text: string): string => text.replaceAll('\\n', '\n');

export const echo: Program = (parameters) => ({ output: `${parameters.join(' ')}\n`, status: 0 });

/** Knows `%s` and `\n`. */
export const printf: Program = ([format = '', ...values]) => {
  let next = 0;
  return { output: unescaped(format).replace(/%s/g, () => values[next++] ?? ''), status: 0 };
};

/** `grep -o -e pattern …`, or `-oi` for either case: what matches, each on a line of its own. */
export const grep: Program = ([only, ...rest], input) => {
  const patterns = rest.filter((_, at) => at % 2 === 1);
  if ((only !== '-o' && only !== '-oi') || !rest.every((word, at) => at % 2 === 1 || word === '-e')) return usage;
  const any = new RegExp(patterns.map((pattern) => `(?:${toRegExp(pattern)})`).join('|'), only === '-oi' ? 'gi' : 'g');
  const found = linesOf(input).flatMap((line) => [...line.matchAll(any)].map(([match]) => `${match}\n`));
  return { output: found.join(''), status: found.length > 0 ? 0 : 1 };
};

/** `sed -n 's/pattern/replacement/p'`: the lines that match, rewritten. */
export const sed: Program = ([quiet, command = ''], input) => {
  const [, pattern, replacement] = /^s\/((?:[^/\\]|\\.)*)\/((?:[^/\\]|\\.)*)\/p$/.exec(command) ?? [];
  if (quiet !== '-n' || pattern === undefined || replacement === undefined) return usage;
  const from = new RegExp(toRegExp(pattern));
  const to = replacement.replaceAll('$', '$$$$').replace(/\\(\d)/g, '$$$1');
  const matching = linesOf(input).filter((line) => from.test(line));
  return { output: matching.map((line) => `${line.replace(from, to)}\n`).join(''), status: 0 };
};

/** A basic regular expression in JavaScript's notation: its groups are escaped, its plain brackets are text. */
const toRegExp = (basic: string): string =>
  basic.replace(/\\?[(){}+?|]/g, (token) => (token.startsWith('\\') ? token.slice(1) : `\\${token}`));

/** The two commands on `~/.ssh/authorized_keys` that an appliance's shell knows: to read it, and to put another in its place. */

const read = 'cat .ssh/authorized_keys';
const replace =
  /^umask 077 && printf '%s\\n' ((?:'(?:[^']|'\\'')*' ?)+) ?> \.ssh\/authorized_keys\.new && mv \.ssh\/authorized_keys\.new \.ssh\/authorized_keys$/;

/** What the command shows, and the lines that it leaves; undefined for any other command. */
export function authorizedKeys(
  command: string,
  keys: readonly string[],
): { readonly output: string; readonly keys?: readonly string[] } | undefined {
  if (command === read) return { output: keys.map((key) => `${key}\n`).join('') };
  const [, words] = replace.exec(command) ?? [];
  if (words === undefined) return undefined;
  const lines = [...words.matchAll(/'((?:[^']|'\\'')*)'(?!\\)/g)].map(([, word = '']) => word.replaceAll("'\\''", "'"));
  return { output: '', keys: lines };
}

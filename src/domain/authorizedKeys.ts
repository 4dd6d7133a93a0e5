/** The file that says who is let in by SSH: the commands that read and write it, and its lines. Pure. */

/** In the user's home. */
export const READ_KEYS = 'cat .ssh/authorized_keys';

/** In the user's home. The text is in the command, so that a session that is cut leaves the old file or the new one. */
export const writeKeys = (lines: readonly string[]): string =>
  [
    'umask 077',
    `printf '%s\\n' ${lines.map(quoted).join(' ')} > .ssh/authorized_keys.new`,
    'mv .ssh/authorized_keys.new .ssh/authorized_keys',
  ].join(' && ');

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const linesOf = (file: string): readonly string[] => file.split('\n').filter((line) => line.trim() !== '');

/** The lines with this key among them. */
export function withKey(file: string, publicKey: string): readonly string[] {
  const lines = linesOf(file);
  return lines.includes(publicKey) ? lines : [...lines, publicKey];
}

/** The lines without any key of this comment but this one. What another hand added stays. */
export const withoutOthers = (file: string, publicKey: string, comment: string): readonly string[] =>
  linesOf(file).filter((line) => line === publicKey || !line.endsWith(` ${comment}`));

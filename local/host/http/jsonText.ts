/** JSON kept as text: what an app sent is shown as it was sent, so `1.0` and great integers do not change on the way. */

/** The text without the blanks between its parts, or undefined if it is not JSON. */
export function compactJson(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, (_, quoted: string | undefined) => quoted ?? '');
}

/** A stored column within other JSON: as JSON if it is some, else as a string (reasons of a termination are plain text). */
export const embed = (column: string | null): string =>
  column === null ? 'null' : (compactJson(column) ?? JSON.stringify(column));

/** An object whose values are JSON text already. */
export const objectOf = (fields: Readonly<Record<string, string>>): string =>
  `{${Object.entries(fields)
    .map(([name, text]) => `${JSON.stringify(name)}:${text}`)
    .join(',')}}`;

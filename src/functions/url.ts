/** A key that came in the query goes into no answer. */
export function withoutKey(url: string): URL {
  const plain = new URL(url);
  plain.searchParams.delete('code');
  return plain;
}

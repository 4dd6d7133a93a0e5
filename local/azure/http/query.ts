import { type Call } from './call';

/** Names in any case; `URLSearchParams` decodes `api%2Dversion`. Read at the first question. */
export function queryOf(url: string): Call['query'] {
  let all: Map<string, string> | undefined;
  return (name) => {
    all ??= parsedQuery(url);
    return all.get(name.toLowerCase());
  };
}

function parsedQuery(url: string): Map<string, string> {
  const at = url.indexOf('?');
  const all = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(at < 0 ? '' : url.slice(at + 1))) {
    if (!all.has(key.toLowerCase())) all.set(key.toLowerCase(), value);
  }
  return all;
}

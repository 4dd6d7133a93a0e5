/** `curl` on the appliance: it gets out where Azure's network lets it out, and ends with curl's own exit codes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Machine } from '../setupScript';
import { getsOut } from '../wayOut';
import type { Program, Ran } from './programs';

const exits = { unknownOption: 2, malformedUrl: 3, timedOut: 28, refused: 7 };
const metadataHost = '169.254.169.254';

const withValue = ['-o', '-w', '-H', '-K', '--max-time', '--noproxy'];
const withoutValue = ['-s'];

interface Asked {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxSeconds: number;
}
interface Page {
  readonly status: number;
  readonly body: string;
}

export const curl =
  (machine: Machine): Program =>
  async (parameters, input) => {
    const options = new Map<string, string[]>();
    const urls: string[] = [];
    const words = [...parameters];
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
      if (withValue.includes(word)) options.set(word, [...(options.get(word) ?? []), words.shift() ?? '']);
      else if (!word.startsWith('-')) urls.push(word);
      else if (!withoutValue.includes(word)) return { output: '', status: exits.unknownOption };
    }
    const [url = ''] = urls;
    if (!URL.canParse(url)) return { output: '', status: exits.malformedUrl };
    const configured = options.has('-K')
      ? [...input.matchAll(/^header = "(.*)"$/gm)].map(([, header = '']) => header)
      : [];
    const headers = Object.fromEntries(
      [...(options.get('-H') ?? []), ...configured].map((header) => {
        const [name = '', ...value] = header.split(':');
        return [name.toLowerCase(), value.join(':').trim()];
      }),
    );
    const maxSeconds = Number(options.get('--max-time')?.[0] ?? Infinity);
    const answer = await ask(machine, { url: new URL(url), headers, maxSeconds });
    return shown(answer, options.get('-w')?.[0] ?? '', options.has('-o'));
  };

function shown(answer: Page | number, format: string, discards: boolean): Ran {
  const [page, status] = typeof answer === 'number' ? [undefined, answer] : [answer, 0];
  const code = String(page?.status ?? 0).padStart(3, '0');
  const told = format.replaceAll('\\n', '\n').replaceAll('%{http_code}', code);
  return { output: (discards ? '' : (page?.body ?? '')) + told, status };
}

/** The answer, or curl's exit code where there is none. */
async function ask({ azure, vm, dropSeconds }: Machine, { url, headers, maxSeconds }: Asked): Promise<Page | number> {
  if (url.hostname === metadataHost) return metadata({ azure, vm }, url, headers);
  if (!(await getsOut(azure, vm, url))) {
    await sleep(1_000 * Math.min(maxSeconds, dropSeconds));
    return exits.timedOut;
  }
  // The simulated world has no other servers: whatever else the network lets through to answers.
  if (!azure.isAt(url)) return { status: 200, body: '' };
  try {
    return await azure.get(url, headers);
  } catch {
    return exits.refused;
  }
}

const query = z.object({ resource: z.string(), client_id: z.string().optional() });

/** The instance metadata service, which is there for this machine alone. */
async function metadata(
  { azure, vm }: Pick<Machine, 'azure' | 'vm'>,
  { searchParams }: URL,
  headers: Readonly<Record<string, string>>,
): Promise<Page> {
  const asked = query.safeParse(Object.fromEntries(searchParams));
  const token =
    headers['metadata'] === 'true' && asked.success
      ? await azure.vmToken(vm.id, asked.data.resource, asked.data.client_id)
      : undefined;
  if (token === undefined)
    return { status: 400, body: JSON.stringify({ error: 'invalid_request', error_description: 'Identity not found' }) };
  return { status: 200, body: JSON.stringify({ access_token: token, token_type: 'Bearer' }) };
}

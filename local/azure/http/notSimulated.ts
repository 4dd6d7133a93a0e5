/** What is not simulated is refused in Azure's envelope, with a detail that names what is. Told on the log once for each shape. */
import { type Answer, type Route } from './call';

const NAMESPACE = /\/providers\/([^/:]+)(?:\/([^/:]+))?/i;

export class NotSimulated {
  private readonly told = new Set<string>();
  /** Resource types by namespace, lowered; what is below `/v1.0` and the rest stand under themselves. */
  private readonly known = new Map<string, Set<string>>();

  constructor(routes: readonly Route[]) {
    for (const { path, api } of routes) {
      if (path.startsWith('/_simulator')) continue;
      const [key, what] = placeOf(path, api);
      const all = this.known.get(key) ?? new Set();
      this.known.set(key, all.add(what));
    }
  }

  answer(method: string, path: string): Answer {
    const shape = `${method} ${path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '…')}`;
    const detail = this.detail(method, path);
    if (!this.told.has(shape)) {
      if (this.told.size < 1000) this.told.add(shape);
      console.warn(detail.message);
    }
    if (/^\/v1\.0\//i.test(path)) {
      const message = `Resource not found for the segment '${path.split('/')[2] ?? ''}'.`;
      return { status: 400, body: { error: { code: 'BadRequest', message, details: [detail], innerError: {} } } };
    }
    const [, namespace, type] = NAMESPACE.exec(path) ?? [];
    const [code, message] =
      namespace === undefined
        ? ['NotFound', `The resource at '${path}' was not found.`]
        : [
            'InvalidResourceType',
            `The resource type '${type ?? ''}' could not be found in the namespace '${namespace}' for this operation.`,
          ];
    return { status: 404, body: { error: { code, message, details: [detail] } } };
  }

  private detail(method: string, path: string): { code: string; message: string } {
    const [key] = placeOf(path, 'arm');
    const here = this.known.get(key);
    const known = [...(here ?? this.known.keys())].sort().join(', ');
    const where = here === undefined ? 'Simulated are' : `Simulated in '${key}' are`;
    return { code: 'NotSimulated', message: `'${method} ${path}' is not simulated. ${where}: ${known}.` };
  }
}

function placeOf(path: string, api: Route['api']): readonly [key: string, what: string] {
  const own = path.replace(/^\/_authorization/, '/providers/Microsoft.Authorization');
  const [, namespace, type] = NAMESPACE.exec(own) ?? [];
  if (namespace !== undefined) return [namespace.toLowerCase(), type ?? '(the provider itself)'];
  const [first = '', second = ''] = own.split('/').slice(1);
  return first === 'v1.0' ? ['v1.0', second] : [api === 'arm' ? 'subscriptions' : first, own];
}

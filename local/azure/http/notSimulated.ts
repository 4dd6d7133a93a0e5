/** What is not simulated is refused in Azure's envelope, with a detail that names what is. Told on the log once for each shape. */
import { type Answer, type Route } from './call';
import { AzureError } from './errors';

const NAMESPACE = /\/providers\/([^/:]+)(?:\/([^/:]+))?/i;

export class NotSimulated {
  private readonly told = new Set<string>();
  /** Resource types by namespace, lowered; what is below `/v1.0` and the rest stand under themselves. */
  private readonly known = new Map<string, Set<string>>();

  constructor(routes: readonly Route[]) {
    for (const { path, api, ...route } of routes) {
      if (path.startsWith('/_simulator') || ('simulated' in route && !route.simulated)) continue;
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
    const error = this.error(method, path);
    const headers = { 'x-ms-failure-cause': 'gateway', 'x-ms-error-code': error.code };
    return { status: 404, body: error.body, headers };
  }

  /** The refusal of Azure Resource Manager. */
  error(method: string, path: string): AzureError {
    const [, namespace, type] = NAMESPACE.exec(path) ?? [];
    const [code, message] =
      namespace === undefined
        ? (['NotFound', `The resource at '${path}' was not found.`] as const)
        : ([
            'InvalidResourceType',
            `The resource type '${type ?? ''}' could not be found in the namespace '${namespace}' for this operation.`,
          ] as const);
    return new AzureError(404, code, message, { members: { details: [this.detail(method, path)] } });
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
  const own = path.replace(/^\/_(authorization|insights|resources)(?=\/)/, '/providers/microsoft.$1');
  const [, namespace, type] = NAMESPACE.exec(own) ?? [];
  if (namespace !== undefined) return [namespace.toLowerCase(), type ?? '(the provider itself)'];
  const [first = '', second = ''] = own.split('/').slice(1);
  return first === 'v1.0' ? ['v1.0', second] : [api === 'arm' ? 'subscriptions' : first, own];
}

/** What Azure would do with a request that is served, and this one does not: refused, with what is simulated. */
export const notSimulated = (what: string, simulated: string, status = 400): AzureError =>
  new AzureError(status, 'NotSimulated', `${what} is not simulated.`, {
    members: { details: [{ code: 'NotSimulated', message: `Simulated: ${simulated}` }] },
  });

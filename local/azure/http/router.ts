import findMyWay, { type HTTPVersion } from 'find-my-way';
import { type Route } from './call';
import { splitExtension } from './paths';

interface Found {
  readonly route: Route;
  /** What an extension resource is of, or ''. */
  readonly scope: string;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the route of a request; the only place that does. */
export class Router {
  private readonly router = findMyWay<HTTPVersion.V1>({ caseSensitive: false, maxParamLength: 1000 });
  private readonly routes = new Map<unknown, Route>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      this.router.on(route.method, route.path, () => undefined, route);
      this.routes.set(route, route);
    }
  }

  /** @param path normalised, without a query */
  find(method: string, path: string): Found | undefined {
    const { scope, route: routed } = splitExtension(path);
    const known = methodOf(method);
    const match = known === undefined ? null : this.router.find(known, routed);
    const route = this.routes.get(match?.store);
    return route === undefined ? undefined : { route, scope, params: paramsOf(match?.params ?? {}) };
  }
}

const methods = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE'] as const;
const methodOf = (text: string): (typeof methods)[number] | undefined => methods.find((method) => method === text);

const paramsOf = (params: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(params).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

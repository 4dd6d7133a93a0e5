import ipaddr from 'ipaddr.js';
import { type Azure } from '../azure';
import { nameOf, resourceGroupOf, subscriptionOf } from '../http/paths';
import { ExpressionError, type Functions, isObject, resolve, type TemplateFunction } from './expressions';
import { asText, pureFunction, withArguments } from './functions';
import { resourceIdOf } from './resourceIds';

/** Where an expression stands. */
export interface Context {
  readonly scope: string;
  readonly deployment: { readonly name: string; readonly location: string | null };
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly loops: Readonly<Record<string, number>>;
  /** The properties of a resource (or all of it), where it exists already; undefined before the deployment runs. */
  readonly reference: ((idOrName: string, apiVersion: string | undefined, full: boolean) => unknown) | undefined;
}

const inAnyCase = (of: Readonly<Record<string, unknown>>, name: string, what: string): unknown => {
  const found = Object.entries(of).find(([key]) => key.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found[1];
  throw new ExpressionError(`The template ${what} '${name}' is not found. Please see https://aka.ms/arm-syntax-${what}s for usage details.`); // prettier-ignore
};

/** The functions of a template at a place: the pure ones, and those that know the deployment. */
export function functionsAt(azure: Azure, context: Context): Functions {
  const table = tableOf(azure, context);
  const functions: Functions = (name) => table[name] ?? pureFunction(name);
  return functions;
}

function tableOf(azure: Azure, context: Context): Readonly<Record<string, TemplateFunction | undefined>> {
  const { scope, parameters, variables, loops, deployment } = context;
  const subscriptionId = subscriptionOf(scope) ?? '';
  const [only] = Object.keys(loops);
  return {
    parameters: withArguments((name) => inAnyCase(parameters, asText(name), 'parameter')),
    variables: withArguments((name) => inAnyCase(variables, asText(name), 'variable')),
    copyindex: withArguments((one, two) => {
      const [name, offset] = typeof one === 'string' ? [one, two ?? 0] : [only ?? '', one ?? 0];
      return Number(inAnyCase(loops, name, 'copyIndex')) + Number(offset);
    }),
    resourceid: withArguments((...of) => resourceIdOf(scope, of.map(asText))),
    subscriptionresourceid: withArguments((...of) => inSubscription(subscriptionId, of.map(asText))),
    tenantresourceid: withArguments((...of) => resourceIdOf('', of.map(asText))),
    extensionresourceid: withArguments((of, ...rest) => resourceIdOf(asText(of), rest.map(asText))),
    reference: withArguments((of, apiVersion, full) => {
      if (context.reference === undefined)
        throw new ExpressionError("The template function 'reference' is not expected at this location.");
      const version = apiVersion === undefined || apiVersion === null ? undefined : asText(apiVersion);
      return context.reference(asText(of), version, asText(full ?? '').toLowerCase() === 'full');
    }),
    resourcegroup: () => groupOf(azure, scope),
    subscription: () => ({
      id: `/subscriptions/${subscriptionId}`,
      subscriptionId,
      tenantId: azure.tenant.tenantId,
      displayName: azure.hierarchy.subscription(subscriptionId)?.name,
    }),
    tenant: () => ({ tenantId: azure.tenant.tenantId, displayName: azure.tenant.displayName, country: 'NL' }),
    deployment: () => deployment,
    environment: () => environment,
    cidrsubnet: withArguments((network, size, index) => cidrSubnet(asText(network), Number(size), Number(index))),
    utcnow: () => `${new Date(azure.now()).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`,
  };
}

/** Bicep's names of Azure's end points: those of the public cloud, since that is what is simulated. */
const environment = {
  name: 'AzureCloud',
  resourceManager: 'https://management.azure.com/',
  authentication: { loginEndpoint: 'https://login.microsoftonline.com/', tenant: 'common' },
  suffixes: { keyvaultDns: '.vault.azure.net', storage: 'core.windows.net' },
};

const inSubscription = (own: string, of: readonly string[]): string => {
  const [first = '', ...rest] = of;
  return first.includes('/')
    ? resourceIdOf(`/subscriptions/${own}`, of)
    : resourceIdOf(`/subscriptions/${first}`, rest);
};

function groupOf(azure: Azure, scope: string): Record<string, unknown> {
  if (resourceGroupOf(scope) === undefined)
    throw new ExpressionError("The template function 'resourceGroup' is not valid at this scope.");
  const found = azure.resources.get(scope);
  return {
    id: scope,
    name: nameOf(scope),
    type: 'Microsoft.Resources/resourceGroups',
    location: found?.document.location,
    tags: found?.document.tags ?? {},
    properties: { provisioningState: 'Succeeded' },
  };
}

function cidrSubnet(network: string, size: number, index: number): string {
  const [address, length] = ipaddr.parseCIDR(network);
  if (address.kind() !== 'ipv4' || size < length || index >= 2 ** (size - length))
    throw new ExpressionError(`The template function 'cidrSubnet' cannot take subnet ${index} of /${size} from '${network}'.`); // prettier-ignore
  const start = address.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0) + index * 2 ** (32 - size);
  return `${[24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join('.')}/${size}`;
}

/** Variables in the order of their need: each is worked out when it is first asked for. */
export function lazily(
  sources: Readonly<Record<string, unknown>>,
  work: (source: unknown, all: Readonly<Record<string, unknown>>) => unknown,
): Readonly<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const [name, source] of Object.entries(sources)) {
    let known: { value: unknown } | undefined;
    Object.defineProperty(all, name, {
      enumerable: true,
      get: () => {
        known ??= { value: work(source, all) };
        return known.value;
      },
    });
  }
  return all;
}

/** `"copy": [{ "name", "count", "input" }]` inside an object: an array member for each. */
export function withCopies(value: unknown, functions: (loops: Readonly<Record<string, number>>) => Functions): unknown {
  if (Array.isArray(value)) return value.map((one) => withCopies(one, functions));
  if (!isObject(value)) return resolve(value, functions({}));
  const { copy, ...rest } = value;
  const plain = Object.entries(rest).map(([key, one]) => [
    String(resolve(key, functions({}))),
    withCopies(one, functions),
  ]);
  const copies = Array.isArray(copy) ? copy.filter(isObject) : [];
  const made = copies.map(({ name, count, input }) => {
    const loop = String(name);
    const length = Number(resolve(count, functions({})));
    return [loop, Array.from({ length }, (_, index) => resolve(input, functions({ [loop]: index })))];
  });
  if (copy !== undefined && !Array.isArray(copy)) plain.push(['copy', withCopies(copy, functions)]);
  return Object.fromEntries([...plain, ...made]);
}

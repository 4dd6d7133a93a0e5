/** What is the same in every answer of a service of Azure, whatever was asked. */

export interface Headed {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly content: string;
}

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

type Rule = readonly [what: string, applies: (one: Headed) => boolean, holds: (one: Headed) => boolean];

const isArm = ({ url }: Headed): boolean => /^\/(subscriptions|providers|tenants)(?=[/?]|$)/i.test(url);
const isInSubscription = ({ url }: Headed): boolean => /^\/subscriptions\/[0-9a-f-]{36}/i.test(url);
const isRefused = ({ status }: Headed): boolean => status >= 400;
const isJson = ({ header }: Headed): boolean => header('content-type')?.startsWith('application/json') === true;
const codeIn = ({ content }: Headed): string | undefined => /"code":"(\w+)"/.exec(content)?.[1];
const has =
  (name: string, pattern: RegExp = /./) =>
  ({ header }: Headed): boolean =>
    pattern.test(header(name) ?? '');
const not =
  (rule: (one: Headed) => boolean) =>
  (one: Headed): boolean =>
    !rule(one);

const rules: readonly Rule[] = [
  ['x-ms-request-id is a GUID', () => true, has('x-ms-request-id', GUID)],
  ['an answer of Azure Resource Manager is never cached', isArm, has('cache-control', /no-cache/)],
  ['x-ms-correlation-request-id is a GUID', isArm, has('x-ms-correlation-request-id', GUID)],
  ['a body of Azure Resource Manager is JSON in UTF-8', (one) => isArm(one) && one.content !== '', has('content-type', /^application\/json; charset=utf-8$/)],
  ['a refusal of Azure Resource Manager that has a body names its code', (one) => isArm(one) && isRefused(one) && one.content !== '', (one) => isJson(one) && codeIn(one) !== undefined],
  ['a 401 says where to sign in', (one) => isArm(one) && one.status === 401, has('www-authenticate', /^Bearer authorization/)],
  ['a 429 says when to come again', (one) => isArm(one) && one.status === 429, has('retry-after', /^\d+$/)],
  ['a read of a subscription says how many are left', (one) => isInSubscription(one) && one.method === 'GET' && one.status === 200, has('x-ms-ratelimit-remaining-subscription-reads', /^\d+$/)],
  ['a write of a subscription says how many are left', (one) => isInSubscription(one) && one.method === 'PUT' && one.status < 300, has('x-ms-ratelimit-remaining-subscription-writes', /^\d+$/)],
  ['a deletion in a subscription says how many are left', (one) => isInSubscription(one) && one.method === 'DELETE' && one.status < 300, has('x-ms-ratelimit-remaining-subscription-deletes', /^\d+$/)],
  ['a 202 says where to ask', (one) => isArm(one) && one.status === 202, (one) => has('location', /^https:/)(one) || has('azure-asyncoperation', /^https:/)(one)],
  ['a 204 has no body', ({ status }) => status === 204, ({ content }) => content === ''],
  ['only what is accepted or made gives an operation', (one) => isArm(one) && one.status >= 300, not(has('azure-asyncoperation'))],
]; // prettier-ignore

/** The rules that the answer breaks. */
export const faultsOf = (one: Headed): string[] =>
  rules.filter(([, applies, holds]) => applies(one) && !holds(one)).map(([what]) => what);

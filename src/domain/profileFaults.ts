/** Reads a profile and names every fault at once: what a schema cannot say of single fields is said here. Pure. */
import { faultyNames, isRuleName } from './blueprint/faultyNames';
import { type Fault, toFaults } from './faults';
import { type Profile, profileSchema } from './profile';

export type ReadProfile =
  | { readonly kind: 'profile'; readonly profile: Profile }
  | { readonly kind: 'faults'; readonly faults: readonly Fault[] };

/** `id` is what its file is called. */
export function parseProfile(body: unknown, id: string): ReadProfile {
  const parsed = profileSchema.safeParse(body);
  if (!parsed.success) {
    return { kind: 'faults', faults: parsed.error.issues.flatMap((issue) => toFaults(issue, body, 'a profile')) };
  }
  const faults = rules.flatMap((rule) => rule(parsed.data, id));
  return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'profile', profile: parsed.data };
}

type Rule = (profile: Profile, id: string) => readonly Fault[];

const identity: Rule = ({ id }, file) =>
  id === file ? [] : [{ pointer: '/id', detail: `is '${id}', and its file is called '${file}.json'` }];

/** Each after the first that has the same value. */
function repeated<T>(
  items: readonly (readonly [pointer: string, item: T])[],
  field: keyof T & string,
): readonly Fault[] {
  const seen = new Set<T[keyof T]>();
  return items.flatMap(([pointer, item]) => {
    const again = seen.has(item[field]);
    seen.add(item[field]);
    return again ? [{ pointer: `${pointer}/${field}`, detail: `is listed twice: ${String(item[field])}` }] : [];
  });
}
const pointed = <T>(pointer: string, items: readonly T[]) =>
  items.map((item, index) => [`${pointer}/${index}`, item] as const);

/** A grant is known by its scope and its role's name, and Azure knows it by the role's id. */
const rights: Rule = ({ roles, graphPermissions }) => {
  const every = [...pointed('/roles/always', roles.always), ...pointed('/roles/controller', roles.controller)];
  const permissions = pointed('/graphPermissions', graphPermissions);
  return [
    ...repeated(every, 'name'),
    ...repeated(every, 'id'),
    ...repeated(permissions, 'value'),
    ...repeated(permissions, 'id'),
  ];
};

const SECRETS: readonly string[] = ['pin', 'clientSecret'];

const script: Rule = ({ appliance }) => {
  if (!appliance) return [];
  const { prompts, endings } = appliance.script;
  return [
    ...repeated(pointed('/appliance/script/prompts', prompts), 'match'),
    ...repeated(pointed('/appliance/script/endings', endings), 'match'),
    ...prompts.flatMap(({ answer, secret }, index) =>
      SECRETS.includes(answer) && !secret
        ? [{ pointer: `/appliance/script/prompts/${index}/secret`, detail: `is not true, and '${answer}' is a secret` }]
        : [],
    ),
    ...(endings.some(({ means }) => means === 'configured')
      ? []
      : [
          {
            pointer: '/appliance/script/endings',
            detail: "has none that means 'configured': no script would end well",
          },
        ]),
  ];
};

/** As short and as long as a deployment may be called, with Sentries of few and of many digits. */
const DEPLOYMENTS = ['dep', 'd'.repeat(40)];
const SENTRIES = [1, 2, 999];

const names: Rule = ({ names: templates }) => {
  const found = DEPLOYMENTS.flatMap((name) =>
    faultyNames({ request: { name, names: {} }, profile: { names: templates } }, SENTRIES),
  );
  const rule = templates.inboundRule.replace('{port}', '65535');
  return [
    // A template is told of once.
    ...found.filter(({ pointer }, at) => found.findIndex((one) => one.pointer === pointer) === at),
    ...(isRuleName(rule)
      ? []
      : [{ pointer: '/names/inboundRule', detail: `makes '${rule}', which Azure does not take` }]),
  ];
};

const rules: readonly Rule[] = [identity, rights, script, names];

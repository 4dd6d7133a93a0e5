/** Reads a profile and names every fault at once: what a schema cannot say of single fields is said here. Pure. */
import { faultyNames, isRuleName } from './blueprint/faultyNames';
import { type Fault, toFaults } from './faults';
import { type AnswerKey, type Profile, profileSchema } from './profile';

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

/** Each after the first that has the same value, as `same` tells it. */
function repeated<K extends string>(
  items: readonly (readonly [pointer: string, item: Readonly<Record<K, string>>])[],
  field: K,
  same = (value: string): string => value,
): readonly Fault[] {
  const seen = new Set<string>();
  return items.flatMap(([pointer, item]) => {
    const again = seen.has(same(item[field]));
    seen.add(same(item[field]));
    return again ? [{ pointer: `${pointer}/${field}`, detail: `is listed twice: ${item[field]}` }] : [];
  });
}
const pointed = <T>(pointer: string, items: readonly T[]) =>
  items.map((item, index) => [`${pointer}/${index}`, item] as const);

const inAnyCase = (value: string): string => value.toLowerCase();

/** A grant is known by its scope and its role's name, and Azure knows it by the role's id; no name of theirs has a case. */
const rights: Rule = ({ roles, graphPermissions }) => {
  const every = [...pointed('/roles/always', roles.always), ...pointed('/roles/controller', roles.controller)];
  const permissions = pointed('/graphPermissions', graphPermissions);
  return [
    ...repeated(every, 'name', inAnyCase),
    ...repeated(every, 'id'),
    ...repeated(permissions, 'value', inAnyCase),
    ...repeated(permissions, 'id'),
  ];
};

const SECRETS: readonly string[] = ['pin', 'clientSecret'];

/** What a person has from the console: nothing but an answer can bring it to the script, at a terminal or without one. */
const REGISTERED = ['email', 'pin'] as const;

/** It is one script: what it asks at a terminal it asks without one too. */
const dialogue: Rule = ({ appliance }) => {
  if (!appliance) return [];
  const { prompts, endings, unattended } = appliance.script;
  const isAsked = (key: AnswerKey): boolean => prompts.some(({ answer }) => answer === key);
  const halves = REGISTERED.flatMap((key): readonly Fault[] => {
    const isGiven = unattended?.answers.includes(key);
    if (isGiven === undefined || isGiven === isAsked(key)) return [];
    return isGiven
      ? [{ pointer: '/appliance/script/prompts', detail: `has none for ${key}, which unattended.answers holds` }]
      : [{ pointer: '/appliance/script/unattended/answers', detail: `lacks ${key}, which a prompt asks for` }];
  });
  const wrong = endings.findIndex(({ means }) => means === 'wrongPin');
  if (wrong < 0 || isAsked('pin')) return halves;
  const detail = "is 'wrongPin', and no prompt is answered with pin: another one would never be given";
  return [...halves, { pointer: `/appliance/script/endings/${wrong}/means`, detail }];
};

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

const rules: readonly Rule[] = [identity, rights, script, dialogue, names];

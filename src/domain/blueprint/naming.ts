/** What each thing is called: the profile's templates, or the request's. Pure. */
import { type NameKey, PLACEHOLDER } from '../profile';
import type { Blueprint } from './blueprint';

/** Sentry 1 has the guide's plain names, Sentry n > 1 has them with `-n`, so one never touches another's. */
export function nameOf(blueprint: Blueprint, key: NameKey, n: number): string {
  const template = templateOf(blueprint, key);
  const name = filled(blueprint, template, n);
  return n === 1 || /\{(n|vm)\}/.test(template) ? name : `${name}-${n}`;
}

/** The name of a thing that all Sentries share. */
export const sharedName = (blueprint: Blueprint, key: NameKey): string =>
  filled(blueprint, templateOf(blueprint, key), 1);

const templateOf = ({ request, profile }: Blueprint, key: NameKey): string => request.names[key] ?? profile.names[key];

const filled = (blueprint: Blueprint, template: string, n: number): string =>
  template.replace(PLACEHOLDER, (_all, placeholder: string) => {
    if (placeholder === 'vm') return nameOf(blueprint, 'virtualMachine', n);
    return placeholder === 'n' ? String(n) : blueprint.request.name;
  });

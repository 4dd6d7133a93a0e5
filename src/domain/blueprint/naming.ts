/** What each thing is called: the profile's templates, or the request's. Pure. */
import { type NameKey, PLACEHOLDER, type Profile } from '../profile';
import type { DeploymentRequest } from '../request/request';

/** All of a blueprint that says what things are called. */
export interface Named {
  readonly request: Pick<DeploymentRequest, 'name' | 'names'>;
  readonly profile: Pick<Profile, 'names'>;
}

/** Sentry 1 has the guide's plain names, Sentry n > 1 has them with `-n`, so one never touches another's. */
export function nameOf(named: Named, key: NameKey, n: number): string {
  const template = templateOf(named, key);
  const name = filled(named, template, n);
  return n === 1 || /\{(n|vm)\}/.test(template) ? name : `${name}-${n}`;
}

/** The name of a thing that all Sentries share. */
export const sharedName = (named: Named, key: NameKey): string => filled(named, templateOf(named, key), 1);

export const templateOf = ({ request, profile }: Named, key: NameKey): string =>
  request.names[key] ?? profile.names[key];

const filled = (named: Named, template: string, n: number): string =>
  template.replace(PLACEHOLDER, (_all, placeholder: string) => {
    if (placeholder === 'vm') return nameOf(named, 'virtualMachine', n);
    return placeholder === 'n' ? String(n) : named.request.name;
  });

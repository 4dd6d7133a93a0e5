import { badRequest } from '../http/errors';
import { isObject } from '../deployments/expressions';

const MOST = 50;

/** The limits on tags that hold for every resource: 50 of them, names of 512 characters, values of 256. */
export function demandTags(tags: unknown): void {
  if (!isObject(tags)) return;
  const names = Object.keys(tags);
  if (names.length > MOST)
    throw badRequest(
      'InvalidTagCount',
      `The number of tags provided '${names.length}' exceeds the maximum number of tags allowed '${MOST}'.`,
    );
  const reserved = names.filter((name) => /[<>%&\\?/\u0000-\u001f]/.test(name)); // eslint-disable-line no-control-regex -- Azure forbids these in tag names.
  if (reserved.length > 0)
    throw badRequest(
      'InvalidTagNameCharacters',
      `The tag names '${reserved.join(',')}' have reserved characters '<,>,%,&,\\,?,/' or control characters.`,
    );
  const long = names.find((name) => name.length > 512 || name === '');
  if (long !== undefined)
    throw badRequest(
      'InvalidTagName',
      `Tag key too large. Following tag key '${long.slice(0, 40)}…' exceeded the maximum length. Maximum allowed length for tag key - '512' characters.`,
    );
  const value = Object.entries(tags).find(([, one]) => typeof one === 'string' && one.length > 256);
  if (value !== undefined)
    throw badRequest(
      'InvalidTagValue',
      `Tag value too large. Following tag value of the tag '${value[0]}' exceeded the maximum length. Maximum allowed length for tag value - '256' characters.`,
    );
}

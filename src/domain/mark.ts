/** Our mark on a thing that this deployment made, lost to another hand: what is said of it, and what puts it back. Pure. */
import type { Refusal } from './outcome';
import { OWNER_TAG } from './resources';

/** All other tags stay as they are. */
export const markAgain = (id: string, deployment: string): string =>
  `\`az tag update --resource-id ${id} --operation Merge --tags ${OWNER_TAG}=${deployment}\``;

/** Of what our own state says that we made: by its id alone, so a person says whether it is still the same. */
export const markLost = (id: string, deployment: string): Refusal => ({
  code: 'MarkLost',
  reason: `This deployment made it, and its tag ${OWNER_TAG} is gone: without it, it is neither changed nor used`,
  remedy: `Put the tag back, unless somebody made another in its place: ${markAgain(id, deployment)}. Then send the same request again. Where a policy took it away, ask for an exemption.`,
});
export const isMarkLost = ({ code }: Pick<Refusal, 'code'>): boolean => code === 'MarkLost';

/** The image that a request names by its id: is it there, in the region, and one that a Sentry can be made of? Pure. */
import { applianceOf, type ApplianceChoice, type Blueprint } from '../blueprint/blueprint';
import { definitionOf, isManagedImage } from '../imageId';
import { notChecked } from './areas';
import { cannotBoot, type Size } from './capacity';
import { finding } from './codes';
import type { Finding } from './finding';
import type { AppIdentity } from './graphRights';

/** What is inside: a managed image says it itself, of a version its definition does. */
export interface ImageContent {
  readonly osType: string;
  readonly osState: string;
  readonly generation: 'V1' | 'V2';
  /** The definition's feature `SecurityType`, such as TrustedLaunchSupported. */
  readonly securityType?: string | undefined;
  /** It came from the marketplace: each VM of it has to name its plan. */
  readonly planned: boolean;
}
export type Image =
  | {
      readonly kind: 'image';
      /** Where VMs can be made of it. */
      readonly regions: readonly string[];
      /** Azure's provisioningState. */
      readonly state: string;
      /** Undefined where the app may not read a version's definition. */
      readonly content?: ImageContent | undefined;
    }
  | { readonly kind: 'absent' }
  | { readonly kind: 'forbidden' };

const DEFINITION = {
  what: 'What is in the image',
  where: '/image/id',
  right: 'Microsoft.Compute/galleries/images/read',
} as const;

const short = (region: string): string => region.toLowerCase().replaceAll(' ', '');
const LIST: Readonly<Record<'image' | 'version', string>> = {
  image: '`az image list --query "[].{id:id, location:location}"` shows what there is',
  version: '`az sig image-version list` shows what a definition has',
};

/** That the app may not read it is said with its other permissions. */
export function checkImage(
  blueprint: Blueprint,
  found: Image,
  size: Size | undefined,
  app: AppIdentity | undefined,
): readonly Finding[] {
  const appliance = applianceOf(blueprint);
  if (appliance?.image.kind !== 'image' || found.kind === 'forbidden') return [];
  const { id } = appliance.image;
  const kind = isManagedImage(id) ? 'image' : 'version';
  if (found.kind === 'absent')
    return [finding('NoSuchResource', id, `Azure knows no such ${kind}`, `Correct image.id: ${LIST[kind]}.`)];
  return [
    ...elsewhere(blueprint, id, found.regions),
    ...unfinished(id, found.state),
    ...(found.content
      ? [...unfit(id, appliance, found.content), ...cannotBoot(appliance, size, found.content.generation)]
      : [
          notChecked(
            { ...DEFINITION, scope: definitionOf(id) },
            'the app may not read the definition of its versions',
            app,
          ),
        ]),
  ];
}

function elsewhere({ request }: Blueprint, id: string, regions: readonly string[]): readonly Finding[] {
  const { location } = request.placement;
  if (regions.some((one) => short(one) === location)) return [];
  const reason = `It is in ${regions.join(', ')}, and the VM in ${location}`;
  const remedy = isManagedImage(id)
    ? 'Ask for an image of that region, or for another placement.location.'
    : `Its owner runs \`az sig image-version update --ids ${id} --add publishingProfile.targetRegions name=${location}\`. Or ask for another placement.location.`;
  return [finding('ImageElsewhere', id, reason, remedy)];
}

/** A version that is copied into more regions stays of use in those that have it. */
function unfinished(id: string, state: string): readonly Finding[] {
  if (/^(succeeded|updating)$/i.test(state)) return [];
  const remedy = /^(creating|migrating)$/i.test(state)
    ? 'Wait until its provisioningState is Succeeded, and send the same request again.'
    : 'Make it again, or ask for another in image.id.';
  return [finding('ImageUnusable', id, `Its state is ${state}`, remedy)];
}

/** Everything of what is inside that does not go with the request. */
function unfit(id: string, { vm }: ApplianceChoice, content: ImageContent): readonly Finding[] {
  const { osType, osState, generation, securityType = '', planned } = content;
  const trusted = vm.securityType === 'TrustedLaunch';
  const another = 'Ask for another in image.id.';
  const standard = 'Ask for vm.securityType Standard, or for a version whose definition has TrustedLaunchSupported.';
  const faults: readonly (readonly [boolean, string, string])[] = [
    [!/^linux$/i.test(osType), `It is of ${osType}, and an appliance is Linux`, another],
    [
      /^specialized$/i.test(osState),
      'It is specialized: a VM of it has its users already and takes none',
      'Ask for a generalized one in image.id.',
    ],
    [
      planned,
      'It came from the marketplace, and a VM of it has to name its plan',
      'Ask for image.kind marketplace, or for another in image.id.',
    ],
    [
      trusted && generation === 'V1',
      'It is of generation 1, and Trusted Launch needs a machine of generation 2',
      'Ask for vm.securityType Standard, or for an image of generation 2.',
    ],
    [
      trusted && generation === 'V2' && !/trustedlaunch/i.test(securityType),
      'Its definition does not say that it can have Trusted Launch',
      standard,
    ],
    [
      !trusted && /^trustedlaunch$/i.test(securityType),
      'It is for machines with Trusted Launch alone',
      'Ask for vm.securityType TrustedLaunch.',
    ],
    [/^confidentialvm$/i.test(securityType), 'It is for confidential VMs alone', another],
  ];
  return faults.flatMap(([is, reason, remedy]) => (is ? [finding('ImageUnusable', id, reason, remedy)] : []));
}

import { z } from 'zod';
import { tracked, type Kind, type Put, stateOf } from '../arm/kind';
import { type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { parentOf } from '../http/paths';
import { displayedRegion, simpleRegion } from '../resources/regions';
import { type Resource } from '../store/resources';
import { type Content, contentOf } from './disks';
import { definitionIn } from './galleries';

const VERSIONS = 'Microsoft.Compute/galleries/images/versions';
const source = z.looseObject({ id: z.string().optional() });
const region = z.looseObject({ name: z.string() });

const properties = z.looseObject({
  publishingProfile: z.looseObject({ targetRegions: z.array(region).optional() }).prefault({}),
  storageProfile: z.looseObject({
    source: source.optional(),
    osDiskImage: z.looseObject({ source: source.optional(), sizeInGB: z.number().optional() }).optional(),
  }),
});
type VersionProperties = z.infer<typeof properties>;

/** Versions of an image: made of a managed image, another version or a disk, and copied into each target region. */
export const galleryVersions: Kind = {
  type: VERSIONS,
  timing: { put: 'image', remove: 'image' },
  phases: ['Creating', 'Updating'],
  siblings: true,
  schema: tracked(properties),
  readOnly: ['replicationStatus'],
  prepare(azure, put) {
    if (!/^\d+\.\d+\.\d+$/.test(put.name))
      throw badRequest(
        'InvalidParameter',
        'The image version name is invalid. The image version name should follow Major(int).Minor(int).Patch(int) format, for e.g: 1.0.0, 2018.12.1 etc.',
        'galleryImageVersionName',
      );
    const asked = properties.parse(put.body.properties);
    const targetRegions = regionsOf(put, asked);
    const was = put.existing === undefined ? undefined : properties.parse(put.existing.document.properties);
    if (was !== undefined) demandSameSource(was, asked);
    const content = put.existing === undefined ? contentFor(azure, put, asked) : undefined;
    const sizeInGB = content?.sizeGb ?? was?.storageProfile.osDiskImage?.sizeInGB ?? 30;
    const { publishingProfile, storageProfile } = asked;
    return {
      document: {
        ...put.body,
        properties: {
          ...put.body.properties,
          publishingProfile: {
            replicaCount: 1,
            excludeFromLatest: false,
            storageAccountType: 'Standard_LRS',
            replicationMode: 'Full',
            publishedDate: new Date(azure.now()).toISOString(),
            ...publishingProfile,
            targetRegions,
          },
          storageProfile: { ...storageProfile, osDiskImage: { hostCaching: 'None', ...storageProfile.osDiskImage, sizeInGB } },
        },
      },
    };
  },
  computed(azure, version, call) {
    if (!/ReplicationStatus/i.test(call?.query('$expand') ?? '')) return {};
    const isDone = stateOf(azure, version) === 'Succeeded';
    const state = isDone ? 'Completed' : 'Replicating';
    const { targetRegions = [] } = properties.parse(version.document.properties).publishingProfile;
    const summary = targetRegions.map(({ name }) => ({ region: name, state, details: '', progress: isDone ? 100 : 0 }));
    return { replicationStatus: { aggregatedState: isDone ? 'Completed' : 'InProgress', summary } };
  },
}; // prettier-ignore

/** As Azure displays them. Without any, the version is in its own region alone. */
function regionsOf({ body: { location = '' } }: Put, { publishingProfile }: VersionProperties): unknown[] {
  const asked = publishingProfile.targetRegions ?? [{ name: location }];
  const names = asked.map(({ name }) => simpleRegion(name));
  if (new Set(names).size < names.length)
    throw badRequest('InvalidParameter', 'Duplicate regions are not allowed in target publishing regions.');
  if (!names.includes(simpleRegion(location)))
    throw badRequest(
      'InvalidParameter',
      `Gallery image version publishing profile regions '${names.join(', ')}' must contain the location of image version '${simpleRegion(location)}'.`,
    );
  return asked.map((one) => ({
    regionalReplicaCount: 1,
    storageAccountType: 'Standard_LRS',
    ...one,
    name: displayedRegion(one.name),
  }));
}

const sourceOf = ({ storageProfile }: VersionProperties): string | undefined =>
  storageProfile.source?.id ?? storageProfile.osDiskImage?.source?.id;

function demandSameSource(was: VersionProperties, asked: VersionProperties): void {
  if (sourceOf(was)?.toLowerCase() === sourceOf(asked)?.toLowerCase()) return;
  const at = was.storageProfile.source === undefined ? 'osDiskImage.source.id' : 'source.id';
  const target = `galleryImageVersion.properties.storageProfile.${at}`;
  throw new AzureError(409, 'PropertyChangeNotAllowed', `Changing property '${target}' is not allowed.`, {
    members: { target },
  });
}

const SOURCES = ['Microsoft.Compute/images', 'Microsoft.Compute/disks', VERSIONS];

/** What the version is made of, which has to be what its definition says. */
function contentFor(azure: Azure, put: Put, asked: VersionProperties): Content {
  const id = sourceOf(asked);
  if (id === undefined)
    throw badRequest(
      'InvalidParameter',
      'The gallery artifact version source can only be specified either directly under storageProfile or within individual OS or data disks. One and only one source type (user image, snapshot, disk, virtual machine) can be provided.',
    );
  const found = azure.resources.get(id);
  if (found === undefined || simpleRegion(found.document.location ?? '') !== simpleRegion(put.body.location ?? ''))
    throw new AzureError(
      404,
      'NotFound',
      `Source ${id} is not found. Please check source exists, and is in the same region as gallery image version being created.`,
    );
  if (!SOURCES.includes(found.type))
    throw new AzureError(
      400,
      'NotSimulated',
      `Versions made of ${found.type} are not simulated. Simulated are versions made of managed images, of disks and of other versions.`,
    );
  const content = found.type === VERSIONS ? versionContent(azure, found) : contentOf(found);
  demandFits(azure, put, found, content);
  return content;
}

function demandFits(azure: Azure, { id }: Put, from: Resource, content: Content): void {
  const parent = azure.resources.get(parentOf(id));
  if (parent === undefined) return;
  const { hyperVGeneration, osType, osState } = definitionIn(parent);
  if (content.hyperVGeneration !== hyperVGeneration)
    throw badRequest(
      'BadRequest',
      `The resource with id '${from.id}' has a different Hypervisor generation ['${content.hyperVGeneration}'] than the parent gallery image Hypervisor generation ['${hyperVGeneration}'].`,
    );
  if (content.osType !== undefined && content.osType !== osType)
    throw badRequest(
      'BadRequest',
      `The resource with id '${from.id}' has a different OS type ['${content.osType}'] than the parent gallery image OS type ['${osType}'].`,
    );
  // A managed image is generalized; of a disk nobody can tell.
  if (from.type === 'Microsoft.Compute/images' && osState !== 'Generalized')
    throw badRequest(
      'BadRequest',
      `Cannot create Gallery Image Version from: ${from.id} since the OS State in the parent gallery image ('${osState}') is not 'Generalized'.`,
    );
}

/** What a machine has to know of the gallery's image that it is made of. */
export interface Gallery {
  readonly osState: 'Generalized' | 'Specialized';
  /** The feature SecurityType of the definition: `TrustedLaunchSupported`; '' where it has none. */
  readonly securityType: string;
}

/** The version that a machine names, replicated to the machine's region. */
export function versionFor(azure: Azure, put: Put, id: string): { content: Content; gallery: Gallery } {
  azure.rbac.demandLinked(put.call.caller, `${VERSIONS}/read`, put.id, id);
  const version = azure.resources.get(id);
  const definition = version && azure.resources.get(parentOf(version.id));
  const here = simpleRegion(put.body.location ?? '');
  const { targetRegions = [] } = version?.type === VERSIONS ? properties.parse(version.document.properties).publishingProfile : {};
  if (version === undefined || definition === undefined || !targetRegions.some(({ name }) => simpleRegion(name) === here))
    throw new AzureError(
      404,
      'GalleryImageNotFound',
      `The gallery image ${id} is not available in ${here} region. Please contact image owner to replicate to this region, or change your requested region.`,
      { members: { target: 'imageReference' } },
    );
  const state = stateOf(azure, version);
  if (state === 'Creating' || state === 'Deleting')
    throw new AzureError(
      409,
      'OperationNotAllowed',
      `The gallery image version ${id} cannot be used while it is in ${state} state.`,
    );
  const { osState, features } = definitionIn(definition);
  const securityType = features.find(({ name }) => name === 'SecurityType')?.value ?? '';
  return { content: versionContent(azure, version), gallery: { osState, securityType } };
} // prettier-ignore

function versionContent(azure: Azure, { id, document }: Resource): Content {
  const { osDiskImage } = properties.parse(document.properties).storageProfile;
  const definition = azure.resources.get(parentOf(id));
  const sizeGb = osDiskImage?.sizeInGB ?? 30;
  if (definition === undefined) return { sizeGb, hyperVGeneration: 'V1' };
  const { osType, hyperVGeneration, purchasePlan } = definitionIn(definition);
  return { sizeGb, osType, hyperVGeneration, ...(purchasePlan === undefined ? {} : { purchasePlan }) };
}

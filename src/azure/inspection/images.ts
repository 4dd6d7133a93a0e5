/** Managed images, and versions in galleries with their definitions, in the shape of Azure's clients. */
import { ComputeManagementClient } from '@azure/arm-compute';
import { z } from 'zod';
import { isManagedImage } from '../../domain/imageId';
import type { Image, ImageContent } from '../../domain/preflight/image';
import { parseArmId } from '../arm/armId';
import { armOptions, type Connection } from '../client';
import { orUndefined, sortFailure } from '../errors';
import type { Inspection } from '../ports';

/** Azure's default where nothing is said. */
const generation = z.enum(['V1', 'V2']).default('V1');
const state = z.string().default('');

export const managedImage = z
  .looseObject({
    location: z.string(),
    provisioningState: state,
    hyperVGeneration: generation,
    storageProfile: z.looseObject({ osDisk: z.looseObject({ osType: z.string(), osState: z.string() }) }),
  })
  .transform(({ location, provisioningState, hyperVGeneration, storageProfile: { osDisk } }): Image => ({
    kind: 'image',
    regions: [location],
    state: provisioningState,
    content: { osType: osDisk.osType, osState: osDisk.osState, generation: hyperVGeneration, planned: false },
  }));

const definition = z
  .looseObject({
    osType: z.string(),
    osState: z.string(),
    hyperVGeneration: generation,
    features: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).nullish(),
    purchasePlan: z.looseObject({ name: z.string().optional() }).nullish(),
  })
  .transform(({ osType, osState, hyperVGeneration, features, purchasePlan }): ImageContent => ({
    osType,
    osState,
    generation: hyperVGeneration,
    securityType: features?.find(({ name }) => name === 'SecurityType')?.value,
    planned: Boolean(purchasePlan?.name),
  }));

const version = z
  .looseObject({
    provisioningState: state,
    publishingProfile: z
      .looseObject({ targetRegions: z.array(z.looseObject({ name: z.string() })).default([]) })
      .prefault({}),
  })
  .transform(({ provisioningState, publishingProfile }) => ({
    regions: publishingProfile.targetRegions.map(({ name }) => name),
    state: provisioningState,
  }));

/** Of a version and its definition, which the app may perhaps not read. */
export const versionImage = (found: unknown, of: unknown): Image => ({
  kind: 'image',
  ...version.parse(found),
  content: of === undefined ? undefined : definition.parse(of),
});

export function images(connection: Connection): Pick<Inspection, 'image'> {
  const compute = (id: string) => new ComputeManagementClient(connection.credential, id, armOptions(connection));
  return {
    image: async (id) => {
      const { subscriptionId, resourceGroup, names } = parseArmId(id);
      const { images: managed, galleryImageVersions, galleryImages } = compute(subscriptionId);
      if (isManagedImage(id)) {
        const found = await orUndefined(managed.get(resourceGroup, names[0]));
        return found ? managedImage.parse(found) : { kind: 'absent' };
      }
      const [gallery, image] = names;
      const name = id.slice(id.lastIndexOf('/') + 1);
      const found = await orUndefined(galleryImageVersions.get(resourceGroup, gallery, image, name));
      if (!found) return { kind: 'absent' };
      return versionImage(found, await orNothing(galleryImages.get(resourceGroup, gallery, image)));
    },
  };
}

/** A version may be read by whom its definition is not for. */
async function orNothing<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (sortFailure(error).status === 403) return undefined;
    throw error;
  }
}

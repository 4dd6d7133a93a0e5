import { z } from 'zod';
import { type Kind } from '../arm/kind';
import { type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { type Resource } from '../store/resources';
import { plan } from './shapes';

const tags = z.record(z.string(), z.string()).optional();
/** Azure's own rule, as its refusal has it. */
const NAME = /^[^_\W][\w\-._]{0,79}(?<![-.])$/;

function demandName(name: string): void {
  if (NAME.test(name)) return;
  throw badRequest(
    'InvalidParameter',
    `The entity name '${name}' is invalid according to its validation rule: ^[^_\\W][\\w-._]{0,79}(?<![-.])$.`,
    'name',
  );
}

/** A gallery goes after its definitions, and a definition after its versions. */
function demandEmpty(azure: Azure, { id }: Resource): void {
  if (azure.resources.below(id).some(({ goneAt }) => goneAt === null))
    throw new AzureError(409, 'CannotDeleteResource', 'Can not delete resource before nested resources are deleted.');
}

/** Azure Compute Galleries: the folder, the definition of an image, and (galleryVersions.ts) its versions. */
export const galleries: Kind = {
  type: 'Microsoft.Compute/galleries',
  timing: { put: 'disk', remove: 'disk' },
  phases: ['Creating', 'Updating'],
  schema: z.looseObject({
    location: z.string(),
    tags,
    properties: z.looseObject({ description: z.string().optional() }).prefault({}),
  }),
  readOnly: ['identifier'],
  prepare(_azure, { name, subscriptionId, body }) {
    if (!/^[A-Za-z0-9]([A-Za-z0-9._]{0,78}[A-Za-z0-9])?$/.test(name))
      throw badRequest(
        'InvalidParameter',
        'Gallery name is invalid. Allowed characters are English alphanumeric characters, with underscores and periods allowed in the middle, up to 80 characters total. All other special characters, including dashes, are disallowed.',
        'galleryName',
      );
    const identifier = { uniqueName: `${subscriptionId}-${name.toUpperCase()}` };
    return { document: { ...body, properties: { ...body.properties, identifier } } };
  },
  demandUnused: demandEmpty,
};

const definition = z.looseObject({
  osType: z.enum(['Linux', 'Windows']),
  osState: z.enum(['Generalized', 'Specialized']),
  hyperVGeneration: z.enum(['V1', 'V2']).default('V1'),
  identifier: z.looseObject({ publisher: z.string(), offer: z.string(), sku: z.string() }),
  features: z.array(z.looseObject({ name: z.string(), value: z.string() })).default([]),
  purchasePlan: plan.optional(),
});
type Definition = z.infer<typeof definition>;
export const definitionIn = ({ document }: Resource): Definition => definition.parse(document.properties);

/** What every version of a definition is, which cannot be changed. */
export const galleryImages: Kind = {
  type: 'Microsoft.Compute/galleries/images',
  timing: { put: 'disk', remove: 'disk' },
  phases: ['Creating', 'Updating'],
  siblings: true,
  schema: z.looseObject({ location: z.string(), tags, properties: definition }),
  prepare(_azure, { name, body, existing }) {
    demandName(name);
    const asked = definition.parse(body.properties);
    if (existing !== undefined) demandSame(definitionIn(existing), asked);
    return { document: { ...body, properties: { ...body.properties, hyperVGeneration: asked.hyperVGeneration } } };
  },
  demandUnused: demandEmpty,
};

function demandSame(was: Definition, asked: Definition): void {
  const { publisher, offer, sku } = was.identifier;
  const pairs = [
    ['osType', was.osType, asked.osType],
    ['osState', was.osState, asked.osState],
    ['hyperVGeneration', was.hyperVGeneration, asked.hyperVGeneration],
    ['identifier.publisher', publisher, asked.identifier.publisher],
    ['identifier.offer', offer, asked.identifier.offer],
    ['identifier.sku', sku, asked.identifier.sku],
  ] as const;
  const changed = pairs.find(([, before, now]) => before.toLowerCase() !== now.toLowerCase());
  if (changed === undefined) return;
  const target = `galleryImage.properties.${changed[0]}`;
  throw new AzureError(409, 'PropertyChangeNotAllowed', `Changing property '${target}' is not allowed.`, {
    members: { target },
  });
}

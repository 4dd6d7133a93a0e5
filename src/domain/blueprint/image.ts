/** What the VM is made from: the marketplace's image under its terms, or the guide's copied VHD. Pure. */
import type { Resource, ResourceOf } from '../resources';
import { type ApplianceChoice, armId, type Blueprint, tracked } from './blueprint';
import { sharedName } from './naming';

/** Nothing to make where the request names an image that exists. */
export function imageResources(blueprint: Blueprint, choice: ApplianceChoice): readonly Resource[] {
  switch (choice.image.kind) {
    case 'marketplace':
      return [agreement(blueprint, choice)];
    case 'vhd':
      return copiedVhd(blueprint, choice, choice.image);
    case 'image':
      return [];
  }
}

const agreement = (
  { request: { placement } }: Blueprint,
  { offer: { publisher, offer: product, plan } }: ApplianceChoice,
): ResourceOf<'marketplaceAgreement'> => ({
  kind: 'marketplaceAgreement',
  key: 'marketplaceAgreement',
  id: `/subscriptions/${placement.subscriptionId}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/${publisher}/offers/${product}/plans/${plan}/agreements/current`,
  needs: [],
  wanted: () => ({ publisher, product, plan, accepted: true }),
});

/** Guide, prerequisite 4: "an Azure Storage Account and container to copy the CloudKnox Sentry VHD". */
function copiedVhd(
  blueprint: Blueprint,
  { offer }: ApplianceChoice,
  { uri, storageAccountId, container }: Extract<ApplianceChoice['image'], { kind: 'vhd' }>,
): readonly Resource[] {
  const { request } = blueprint;
  const name = sharedName(blueprint, 'image');
  const blob = `${name}.vhd`;
  const imageId = armId(request, 'Microsoft.Compute/images', name);
  return [
    {
      kind: 'vhdCopy',
      key: 'vhdCopy',
      id: `${storageAccountId}/blobServices/default/containers/${container}/blobs/${blob}`,
      needs: [],
      wanted: () => ({ source: uri, storageAccountId, container, blob, imageId }),
    },
    {
      kind: 'image',
      key: 'image',
      id: imageId,
      needs: ['resourceGroup', 'vhdCopy'],
      wanted: (given) => ({
        ...tracked(request),
        hyperVGeneration: offer.hyperVGeneration,
        storageProfile: {
          osDisk: {
            osType: 'Linux',
            osState: 'Generalized',
            blobUri: given('vhdCopy', 'blobUri'),
            storageAccountType: 'Premium_LRS',
          },
        },
      }),
    },
  ];
}

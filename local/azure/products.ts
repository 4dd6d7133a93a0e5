import { type Kind } from './arm/kind';
import { resourceRoutes } from './arm/resourceRoutes';
import { authorizationRoutes } from './authorization/routes';
import { type Azure } from './azure';
import { catalogueRoutes } from './compute/catalogue';
import { disks } from './compute/disks';
import { diskEncryptionSets, encryptionSetRoutes } from './compute/encryptionSets';
import { extensions } from './compute/extensions';
import { galleries, galleryImages } from './compute/galleries';
import { galleryVersions } from './compute/galleryVersions';
import { images } from './compute/images';
import { powerRoutes } from './compute/powerActions';
import { runCommandRoutes } from './compute/runCommand';
import { runCommands } from './compute/runCommands';
import { virtualMachines } from './compute/virtualMachines';
import { entraRoutes } from './entra/routes';
import { deploymentRoutes } from './deployments/routes';
import { governanceRoutes } from './governance/routes';
import { graphRoutes } from './graph/routes';
import { type Route } from './http/call';
import { federatedCredentials } from './identity/federatedCredentials';
import { userAssignedIdentities } from './identity/userAssignedIdentities';
import { vaultRoutes } from './keyVault/deletedVaults';
import { keyVaultRoutes } from './keyVault/routes';
import { vaults } from './keyVault/vaults';
import { marketplaceRoutes } from './marketplace/agreements';
import { imageRoutes } from './marketplace/images';
import { metricRoutes } from './metrics/routes';
import { networkUsageRoutes } from './network/usages';
import { networkInterfaces } from './network/networkInterfaces';
import { networkSecurityGroups } from './network/networkSecurityGroups';
import { natGateways, publicIpAddresses } from './network/publicAddresses';
import { routeTables } from './network/routeTables';
import { securityRules } from './network/securityRules';
import { subnets, virtualNetworks } from './network/virtualNetworks';
import { managementGroupRoutes } from './management/managementGroups';
import { resourceGraphRoutes } from './resourceGraph/routes';
import { featureRoutes } from './resources/features';
import { groupRoutes } from './resources/groups';
import { regionRoutes } from './resources/regions';
import { providerRoutes } from './resources/providers';
import { refusedRoutes } from './resources/refused';
import { subscriptionRoutes } from './resources/subscriptions';
import { accountRoutes, storageAccounts } from './storage/accounts';
import { blobRoutes } from './storage/blobRoutes';
import { containerRoutes } from './storage/containerRoutes';
import { commandLineRoutes } from './simulator/commandLine';
import { personRoutes } from './simulator/consent';
import { issuerRoutes } from './simulator/issuers';
import { simulatorRoutes } from './simulator/routes';

/** Every kind of resource that has the common life of one. Another kind is one more row. */
export const kinds: readonly Kind[] = [
  networkSecurityGroups,
  securityRules,
  virtualNetworks,
  subnets,
  routeTables,
  natGateways,
  publicIpAddresses,
  networkInterfaces,
  virtualMachines,
  runCommands,
  extensions,
  disks,
  diskEncryptionSets,
  images,
  galleries,
  galleryImages,
  galleryVersions,
  userAssignedIdentities,
  federatedCredentials,
  vaults,
  storageAccounts,
];

export const routes = (azure: Azure, removeOne: Parameters<typeof groupRoutes>[1]): readonly Route[] => [
  ...entraRoutes(azure),
  ...subscriptionRoutes(azure),
  ...regionRoutes(azure),
  ...managementGroupRoutes(azure),
  ...providerRoutes(azure, kinds),
  ...featureRoutes(azure),
  ...refusedRoutes(),
  ...groupRoutes(azure, removeOne),
  ...kinds.flatMap((kind) => resourceRoutes(azure, kind)),
  ...encryptionSetRoutes(azure),
  ...powerRoutes(azure),
  ...runCommandRoutes(azure),
  ...catalogueRoutes(azure),
  ...metricRoutes(azure),
  ...networkUsageRoutes(azure),
  ...authorizationRoutes(azure),
  ...governanceRoutes(azure),
  ...deploymentRoutes(azure),
  ...marketplaceRoutes(azure),
  ...imageRoutes(azure),
  ...resourceGraphRoutes(azure),
  ...graphRoutes(azure),
  ...vaultRoutes(azure),
  ...keyVaultRoutes(azure),
  ...accountRoutes(azure),
  ...containerRoutes(azure),
  ...blobRoutes(azure),
  ...simulatorRoutes(azure),
  ...commandLineRoutes(azure),
  ...issuerRoutes(azure),
  ...personRoutes(azure),
];

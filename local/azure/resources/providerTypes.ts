/**
 * What providers tell of their resource types: api-versions, the newest first, and where there are any. The versions are
 * real ones, those that the project's clients and the Azure CLI send among them; Azure lists many more in between, and
 * the simulator answers all of them alike: it takes each version of this table for every type, and no other.
 */
import { AzureError } from '../http/errors';
import { regions } from './regions';

const NETWORK = ['2026-01-01', '2025-05-01', '2025-03-01', '2025-01-01', '2024-11-01', '2024-07-01', '2024-05-01', '2024-03-01', '2024-01-01', '2023-11-01', '2023-09-01', '2022-07-01', '2022-01-01', '2020-11-01', '2018-10-01', '2015-06-15']; // prettier-ignore
const COMPUTE = ['2026-04-01', '2025-04-01', '2024-11-01', '2024-07-01', '2024-03-01', '2023-09-01', '2023-03-01', '2022-11-01', '2022-08-01', '2021-07-01', '2020-06-01', '2019-07-01', '2018-10-01', '2016-03-30', '2015-06-15']; // prettier-ignore
const GALLERIES = ['2025-12-03', '2025-03-03', '2024-03-03', '2023-07-03', '2022-08-03', '2022-03-03', '2021-10-01', '2020-09-30', '2019-12-01', '2019-03-01', '2018-06-01']; // prettier-ignore
const DISKS = ['2026-03-02', '2025-01-02', '2024-03-02', '2023-10-02', '2023-04-02', '2022-07-02', '2021-12-01', '2020-12-01', '2018-06-01', '2017-03-30']; // prettier-ignore
const RESOURCES = ['2025-04-01', '2025-03-01', '2024-11-01', '2024-07-01', '2024-03-01', '2022-12-01', '2022-09-01', '2021-04-01', '2020-10-01', '2020-06-01', '2019-10-01', '2018-05-01', '2015-11-01']; // prettier-ignore

/** By namespace, or by type where one has its own; names lowered. */
const versions: Readonly<Record<string, readonly string[]>> = {
  'microsoft.network': NETWORK,
  'microsoft.compute': COMPUTE,
  'microsoft.compute/disks': DISKS,
  'microsoft.compute/diskencryptionsets': DISKS,
  'microsoft.compute/galleries': GALLERIES,
  'microsoft.compute/galleries/images': GALLERIES,
  'microsoft.compute/galleries/images/versions': GALLERIES,
  'microsoft.storage': ['2026-09-01', '2025-08-01', '2025-06-01', '2025-01-01', '2024-01-01', '2023-05-01', '2023-01-01', '2022-09-01', '2021-09-01', '2019-06-01', '2018-07-01', '2015-06-15'], // prettier-ignore
  'microsoft.keyvault': ['2026-02-01', '2025-05-01', '2024-11-01', '2023-07-01', '2023-02-01', '2022-07-01', '2021-10-01', '2019-09-01', '2018-02-14', '2016-10-01', '2015-06-01'], // prettier-ignore
  'microsoft.managedidentity': ['2024-11-30', '2023-01-31', '2018-11-30'],
  'microsoft.resources': RESOURCES,
  'microsoft.authorization/roleassignments': ['2022-04-01', '2020-10-01-preview', '2020-04-01-preview', '2018-09-01-preview', '2015-07-01'], // prettier-ignore
  'microsoft.authorization/roledefinitions': ['2022-05-01-preview', '2022-04-01', '2018-01-01-preview', '2015-07-01'],
  'microsoft.authorization/permissions': ['2022-05-01-preview', '2022-04-01', '2018-07-01', '2015-07-01'],
  'microsoft.authorization/roleassignmentsusagemetrics': ['2019-08-01-preview'],
  'microsoft.authorization/policyexemptions': ['2024-12-01-preview', '2022-07-01-preview', '2020-07-01-preview'],
  'microsoft.authorization/denyassignments': ['2022-04-01', '2018-07-01-preview'],
  'microsoft.authorization/locks': ['2020-05-01', '2017-04-01', '2016-09-01', '2015-01-01'],
  'microsoft.authorization': ['2025-03-01', '2024-05-01', '2024-04-01', '2023-04-01', '2022-06-01', '2021-06-01', '2020-09-01', '2019-09-01', '2018-05-01', '2016-12-01'], // prettier-ignore
  'microsoft.features': ['2021-07-01', '2015-12-01'],
  'microsoft.insights': ['2021-05-01-preview', '2020-01-01-preview', '2017-05-01-preview'],
  'microsoft.insights/metrics': ['2024-02-01', '2023-10-01', '2021-05-01', '2019-07-01', '2018-01-01'],
  'microsoft.insights/metricdefinitions': ['2024-02-01', '2023-10-01', '2021-05-01', '2018-01-01'],
  'microsoft.management': ['2023-04-01', '2021-04-01', '2020-05-01', '2020-02-01', '2019-11-01', '2018-03-01-preview'],
  'microsoft.marketplaceordering': ['2021-01-01', '2015-06-01'],
  'microsoft.resourcegraph': ['2024-04-01', '2022-10-01', '2021-03-01', '2019-04-01'],
};

const known: ReadonlySet<string> = new Set(Object.values(versions).flat());

/** Azure's refusal of an api-version that it has not; here, of one that no simulated type has. */
export function demandVersion(version: string): void {
  if (known.has(version.toLowerCase())) return;
  const supported = [...known].sort().reverse().join(',');
  const message = `The api-version '${version}' is invalid. The supported versions are '${supported}'.`;
  const simulated = `The api-version '${version}' is not simulated. Simulated are ${supported}.`;
  throw new AzureError(400, 'InvalidApiVersionParameter', message, {
    members: { details: [{ code: 'NotSimulated', message: simulated }] },
  });
}

/** Namespaces whose resources stand in a region. */
const REGIONAL = /^Microsoft\.(Network|Compute|Storage|KeyVault|ManagedIdentity)$/i;

/** One row of `resourceTypes`. Nothing but a child's own type has a version that its namespace has not. */
export function shownType(namespace: string, resourceType: string): Record<string, unknown> {
  const key = namespace.toLowerCase();
  const apiVersions = versions[`${key}/${resourceType.toLowerCase()}`] ?? versions[key] ?? [];
  const defaultApiVersion = apiVersions.find((one) => !one.endsWith('-preview')) ?? apiVersions[0];
  return {
    resourceType,
    locations: REGIONAL.test(namespace) && !EVERYWHERE.test(resourceType) ? regions : [],
    apiVersions,
    ...(defaultApiVersion === undefined ? {} : { defaultApiVersion }),
    capabilities: CHILD.test(resourceType) || !REGIONAL.test(namespace) ? 'None' : TAGGED,
  };
}

const EVERYWHERE = /^(checkNameAvailability|operations)$/i;
const CHILD = /\//;
const TAGGED = 'CrossResourceGroupResourceMove, CrossSubscriptionResourceMove, SupportsTags, SupportsLocation';

/** Findings that are right as they are, each with its reason. */
export interface Explained {
  /** Fits `<PUT|PUT again|PATCH|POST|answer|listed> <type>@<api-version> <member>: <code> <sentence>`. */
  readonly finding: RegExp;
  readonly why: string;
}

/**
 * The api-version whose types are read, where Bicep has none of the version that was asked for: tests ask several
 * products by one version, and the SDKs' own are newer. For a namespace, or for a type and what is below it.
 */
export const readings: Readonly<Record<string, string>> = {
  'Microsoft.Authorization': '2022-04-01',
  'Microsoft.Authorization/locks': '2020-05-01',
  'Microsoft.Authorization/policyExemptions': '2024-12-01-preview',
  'Microsoft.Compute': '2024-07-01',
  'Microsoft.Compute/diskEncryptionSets': '2024-03-02',
  'Microsoft.Compute/disks': '2024-03-02',
  'Microsoft.Compute/galleries': '2024-03-03',
  'Microsoft.Insights': '2021-05-01-preview',
  'Microsoft.KeyVault': '2023-07-01',
  'Microsoft.ManagedIdentity': '2024-11-30',
  'Microsoft.Management': '2023-04-01',
  'Microsoft.MarketplaceOrdering': '2021-01-01',
  'Microsoft.Network': '2025-01-01',
  'Microsoft.Resources': '2024-07-01',
  'Microsoft.Storage': '2024-01-01',
};

export const explained: readonly Explained[] = [
  ...[
    {
      finding: /^(answer|listed) \S+ : BCP394 /,
      why: 'Bicep wants one member of a type at a time; it says so, and checks all of them',
    },
    {
      finding: /^(answer|listed) \S+ \S+(\[\]|\.\*)\.\S+: BCP073 /,
      why: 'Bicep lets an answer have what is read only, but not where that is in a list or under an id',
    },
    {
      finding: /^PUT (again |Microsoft.Network\/virtualNetworks\/subnets@).*: BCP073 /,
      why: 'a client changes a resource by sending back what it read; Azure passes over what is read only',
    },
    {
      finding: /^PATCH .*: BCP035 /,
      why: 'a PATCH has only what is to change',
    },
    {
      finding: /^POST (Microsoft.Compute\/virtualMachines\/runCommand|Microsoft.ResourceGraph\/resources)@/,
      why: 'actions have no types in Bicep; the SDKs that send and read these check them in their own tests',
    },
    {
      finding: /^POST Microsoft.(KeyVault|Storage)\/checkNameAvailability@/,
      why: 'the same',
    },
    {
      finding: /^POST Microsoft.Storage\/storageAccounts\/regenerateKey@/,
      why: 'the same',
    },
  ],
  // Azure's own answers that are not what Azure's own types say.
  ...[
    {
      finding:
        /^(answer|listed) Microsoft.KeyVault\/locations\/deletedVaults@\S+( type: BCP036 .*'|: its type is )Microsoft.KeyVault\/deletedVaults\b/,
      why: 'so it is in listDeletedVaults.json of the REST specification',
    },
    {
      finding:
        /^answer Microsoft.MarketplaceOrdering\/.*( type: BCP036 |: its type is ).*MarketplaceOrdering\/offertypes/,
      why: 'so it is in the examples of the REST specification',
    },
    {
      finding: /^answer Microsoft.MarketplaceOrdering\/.*: its name is not the last of its id$/,
      why: "so it is in the examples of the REST specification: the id ends with 'current', the name is the plan's",
    },
    {
      finding: /^answer Microsoft.Resources\/deployments@\S+ properties.parameters.\w+.type: BCP037 /,
      why: 'Azure answers a parameter with its type beside its value',
    },
    {
      finding: /^(PUT|POST) Microsoft.Resources\/deployments@\S+ properties.mode: BCP088 .*'incremental'/,
      why: 'the Azure CLI writes it with a small letter, and Azure takes it',
    },
    {
      finding:
        /^listed subscriptions@\S+: its type is (\/subscriptions|Microsoft.Management\/managementGroups\/subscriptions)$/,
      why: 'entities and descendants of management groups are listed with the ids of subscriptions',
    },
    {
      finding: /^listed subscriptions\/locations@\S+: (Bicep has no types of it|its type is Region)$/,
      why: 'a region is no resource; its type is Region in GetLocations.json of the REST specification',
    },
  ],
  // Requests and lists that are not the resource itself.
  ...[
    {
      finding: /^listed subscriptions@\S+: Bicep has no types of it$/,
      why: 'a subscription has no type in Bicep; here it is an entity of a management group',
    },
    {
      finding:
        /^listed Microsoft.Management\/managementGroups@\S+ properties.(parent|parentNameChain|permissions|inheritedPermissions): BCP037 /,
      why: 'entities and descendants have members that the group itself has not (GetEntities.json of the specification)',
    },
    {
      finding: /^PATCH Microsoft.Management\/managementGroups@\S+ (displayName|parentGroupId): BCP037 /,
      why: 'the PATCH of a group has a form of its own: displayName and parentGroupId',
    },
    {
      finding: /^POST Microsoft.Resources\/deployments@\S+ properties.whatIfSettings: BCP037 /,
      why: 'whatIf has the body of a deployment and its own settings',
    },
    {
      finding: /^PATCH Microsoft.Resources\/tags@\S+ operation: BCP037 /,
      why: 'the PATCH of tags says Merge, Replace or Delete',
    },
    {
      finding: /^listed Microsoft.KeyVault\/vaults@(2015-11-01|2024-05-01) : BCP035 /,
      why: 'the list of all resources has no properties of them',
    },
  ],
  // What Bicep has no types of in any version.
  ...[
    {
      finding: /^(answer|listed) Microsoft.Compute\/features@\S+: /,
      why: 'a feature is of Microsoft.Features, with the provider that has it in its id and its name; Bicep has no types of any',
    },
    {
      finding: /^(answer|listed) Microsoft.KeyVault\/locations\/deletedVaults@\S+: Bicep has no types of it$/,
      why: 'nobody deploys a deleted vault',
    },
    {
      finding:
        /^answer Microsoft.Compute\/locations\/publishers\/artifacttypes\/offers\/skus(\/versions)?@\S+: Bicep has no types of it$/i,
      why: 'nobody deploys an image of the marketplace',
    },
  ],
  {
    finding: /^answer Microsoft.Network\/\w+@2015-06-15 .*: BCP037 /,
    why: "the template of 'az vm create' asks by an old version, and the simulated Azure answers all in one form",
  },
];

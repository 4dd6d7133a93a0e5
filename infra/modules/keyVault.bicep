// Every secret of every deployment: the appliances' SSH keys, client secrets, the console's email and PIN. Purge
// protection keeps a deleted one recoverable for 90 days, whoever deleted it.
param location string
param tags object
param token string
param principalId string
param subnetId string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: 'kv-sentry-${token}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    // The app's subnet and nobody else: an operator who must read a secret opens the way to himself, which is logged.
    networkAcls: { defaultAction: 'Deny', bypass: 'None', virtualNetworkRules: [{ id: subnetId }] }
  }
}

// Key Vault Secrets Officer
var officer = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7')

resource keepsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, principalId, officer)
  properties: { roleDefinitionId: officer, principalId: principalId, principalType: 'ServicePrincipal' }
}

output uri string = vault.properties.vaultUri

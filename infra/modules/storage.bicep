// The Functions host's own storage (keys of the app, locks of timers) and the container that the app is deployed
// to. No shared keys. Open at network level: the platform reads the package and a deployment writes it from outside
// the app's network, and both must prove who they are.
param location string
param tags object
param token string
param principalId string

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: 'stsentry${token}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }

  resource blobs 'blobServices' = {
    name: 'default'
    resource packages 'containers' = { name: 'app-packages' }
  }
}

// Blob Data Owner is what the host asks for its own storage; queues and tables are there for Azure Storage as the
// durable backend (host.json, docs/deploy.md) and for the host's diagnostics.
var roles = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    scope: account
    name: guid(account.id, principalId, role.value)
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

output accountName string = account.name
output deploymentContainerUrl string = '${account.properties.primaryEndpoints.blob}${account::blobs::packages.name}'

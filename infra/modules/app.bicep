// The app and what it stands on, in one resource group.
param location string
param tags object
param token string
param nodeVersion string
param addressPrefix string

// User-assigned, not the app's own: the rights that people give it outside (management group, Graph) are given once
// and survive the app being made anew, and they can be given before the app's first start. A managed identity's
// token is cached for up to a day, so a right that comes after the first start comes late.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-sentry-${token}'
  location: location
  tags: tags
}

module network 'network.bicep' = {
  name: 'network-${token}'
  params: { location: location, tags: tags, token: token, addressPrefix: addressPrefix }
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring-${token}'
  params: { location: location, tags: tags, token: token, principalId: identity.properties.principalId }
}

module storage 'storage.bicep' = {
  name: 'storage-${token}'
  params: { location: location, tags: tags, token: token, principalId: identity.properties.principalId }
}

module keyVault 'keyVault.bicep' = {
  name: 'key-vault-${token}'
  params: {
    location: location
    tags: tags
    token: token
    principalId: identity.properties.principalId
    subnetId: network.outputs.subnetId
  }
}

module scheduler 'durableTask.bicep' = {
  name: 'durable-task-${token}'
  params: { location: location, tags: tags, token: token, principalId: identity.properties.principalId }
}

module topic 'topic.bicep' = {
  name: 'topic-${token}'
  params: { location: location, tags: tags, token: token }
}

var clouds = { AzureCloud: 'public', AzureUSGovernment: 'usgov', AzureChinaCloud: 'china' }

module functionApp 'functionApp.bicep' = {
  name: 'function-app-${token}'
  params: {
    location: location
    tags: tags
    token: token
    nodeVersion: nodeVersion
    identityId: identity.id
    subnetId: network.outputs.subnetId
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    settings: {
      // The host's own storage and the durable backend, by identity: neither has a key that could leak.
      AzureWebJobsStorage__accountName: storage.outputs.accountName
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.properties.clientId
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${scheduler.outputs.endpoint};Authentication=ManagedIdentity;ClientID=${identity.properties.clientId}'
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      // What src/config.ts reads.
      AZURE_TENANT_ID: tenant().tenantId
      AZURE_CLIENT_ID: identity.properties.clientId
      KEY_VAULT_URI: keyVault.outputs.uri
      CLOUD: clouds[environment().name]
      EGRESS_ADDRESSES: '${network.outputs.egressAddress}/32'
    }
  }
}

output principalId string = identity.properties.principalId
output appName string = functionApp.outputs.name
output appUrl string = functionApp.outputs.url
output topicName string = topic.outputs.name
output topicEndpoint string = topic.outputs.endpoint
output egressAddress string = network.outputs.egressAddress

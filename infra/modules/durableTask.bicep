// The Durable Task Scheduler: what Microsoft recommends, the only backend besides Azure Storage that Flex
// Consumption takes, and the only one that needs no key and no polling of queues. A hub cannot move to another
// backend, so this is decided once.
param location string
param tags object
param token string
param principalId string

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: 'dts-sentry-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'Consumption' }
    // An empty list lets nobody in. The scale controller asks from addresses that we do not know: identity is the
    // guard here, since the scheduler has no keys.
    ipAllowlist: ['0.0.0.0/0']
  }

  // The name is host.json's extensions.durableTask.hubName.
  resource hub 'taskHubs' = { name: 'SentryOrchestrator' }
}

// Durable Task Data Contributor
var contributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '0ad04412-c4d5-4796-b79c-f76d14c8d402')

resource runsOrchestrations 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: scheduler
  name: guid(scheduler.id, principalId, contributor)
  properties: { roleDefinitionId: contributor, principalId: principalId, principalType: 'ServicePrincipal' }
}

output endpoint string = scheduler.properties.endpoint

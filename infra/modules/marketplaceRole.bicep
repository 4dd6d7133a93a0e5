// Terms are accepted for a whole subscription, and no built-in role short of Contributor may do it.
targetScope = 'subscription'
param principalId string

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, 'sentry-orchestrator-marketplace')
  properties: {
    roleName: 'Sentry Orchestrator: marketplace terms (${subscription().subscriptionId})'
    description: 'Reads and accepts the terms of marketplace images.'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [
      {
        actions: [
          'Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/read'
          'Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/write'
        ]
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, definition.id)
  properties: { roleDefinitionId: definition.id, principalId: principalId, principalType: 'ServicePrincipal' }
}

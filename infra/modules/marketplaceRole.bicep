// Terms are accepted for a whole subscription, and no built-in role short of Contributor may do it. The reads are what
// preflight looks at there: quota, sizes, regions, registrations, permissions, roles, locks, networks and policies.
targetScope = 'subscription'
param principalId string

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, 'sentry-orchestrator-marketplace')
  properties: {
    roleName: 'Sentry Orchestrator: marketplace terms (${subscription().subscriptionId})'
    description: 'Reads and accepts the terms of marketplace images; reads quota, sizes, regions, providers, features, permissions, roles, locks, networks and policies.'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [
      {
        actions: [
          'Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/read'
          'Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/write'
          'Microsoft.Authorization/locks/read'
          'Microsoft.Authorization/permissions/read'
          'Microsoft.Authorization/policyAssignments/read'
          'Microsoft.Authorization/policyDefinitions/read'
          'Microsoft.Authorization/policyExemptions/read'
          'Microsoft.Authorization/policySetDefinitions/read'
          'Microsoft.Authorization/roleAssignments/read'
          'Microsoft.Authorization/roleDefinitions/read'
          'Microsoft.Compute/locations/usages/read'
          'Microsoft.Compute/skus/read'
          'Microsoft.Features/providers/features/read'
          'Microsoft.Network/locations/usages/read'
          'Microsoft.Network/virtualNetworks/read'
          'Microsoft.Resources/subscriptions/read'
          'Microsoft.Resources/subscriptions/locations/read'
          'Microsoft.Resources/subscriptions/providers/read'
        ]
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, definition.id)
  properties: { roleDefinitionId: definition.id, principalId: principalId, principalType: 'ServicePrincipal' }
}

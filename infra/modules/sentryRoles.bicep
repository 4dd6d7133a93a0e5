// What the app makes in the Sentries' resource group: network, identity, VM. It may grant nothing here.
param principalId string

var roles = {
  networkContributor: '4d97b98b-1d4f-4787-a291-c67834d212e7'
  virtualMachineContributor: '9980e02c-c2be-4d73-94e8-173b1dc7cf3c'
  managedIdentityContributor: 'e40ec5ca-96e0-45a2-b4ff-59039f2c2b59'
  // To attach an identity to a VM is a right of its own, which the role above does not have.
  managedIdentityOperator: 'f1a07417-d97a-45cb-824c-7a7467783830'
  // Whether an appliance that a person set up collects is read off its traffic.
  monitoringReader: '43d0d8ad-25c7-4714-9337-8ac51a3ce4a5'
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    name: guid(resourceGroup().id, principalId, role.value)
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

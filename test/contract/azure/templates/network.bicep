param location string = resourceGroup().location
param names array = ['one', 'two']
@secure()
param secret string = 'hidden'
var prefix = 'net-${uniqueString(resourceGroup().id)}'

resource nsgs 'Microsoft.Network/networkSecurityGroups@2024-05-01' = [for (name, i) in names: {
  name: '${prefix}-${name}'
  location: location
  tags: { index: string(i) }
}]
resource vnet 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: prefix
  location: location
  properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] }
    subnets: [{ name: 'main', properties: { addressPrefix: cidrSubnet('10.0.0.0/16', 24, 1), networkSecurityGroup: { id: nsgs[0].id } } }]
  }
}
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'worker'
  location: location
}
resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(identity.id, 'reader')
  scope: vnet
  properties: {
    principalId: identity.properties.principalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
    principalType: 'ServicePrincipal'
  }
}
module inner 'inner.bicep' = {
  name: 'inner'
  params: { location: location, subnetId: vnet.properties.subnets[0].id }
}
output nic string = inner.outputs.nic
output principal string = identity.properties.principalId
output all array = [for (name, i) in names: nsgs[i].name]

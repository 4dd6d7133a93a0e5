// One subnet whose way out is one known address. That address joins the sources of an access window: without it the
// app could not reach the appliance whose port it has just opened.
param location string
param tags object
param token string
param addressPrefix string

resource egress 'Microsoft.Network/publicIPAddresses@2025-01-01' = {
  name: 'pip-sentry-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIPAllocationMethod: 'Static' }
}

resource gateway 'Microsoft.Network/natGateways@2025-01-01' = {
  name: 'nat-sentry-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIpAddresses: [{ id: egress.id }] }
}

resource network 'Microsoft.Network/virtualNetworks@2025-01-01' = {
  name: 'vnet-sentry-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 27, 0)
          natGateway: { id: gateway.id }
          defaultOutboundAccess: false
          serviceEndpoints: [{ service: 'Microsoft.KeyVault' }]
          // What Flex Consumption asks of its subnet (not Microsoft.Web/serverFarms, as the other plans do).
          delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
    ]
  }
}

output subnetId string = network.properties.subnets[0].id
output egressAddress string = egress.properties.ipAddress

// All that Sentry Orchestrator needs in its own subscription. The rights that it needs outside (role assignments in
// the watched subscriptions, Microsoft Graph) are other people's to give: docs/deploy.md.
targetScope = 'subscription'

@description('Names the resource group (rg-<name>) and, hashed, everything that must be unique in Azure.')
@minLength(1)
@maxLength(40)
param environmentName string

param location string

@description('Where the Sentries go: the request\'s placement.resourceGroup, in this subscription.')
param sentryResourceGroupName string = 'cloudknox'

@description('The request\'s placement.location.')
param sentryLocation string = location

@description('What the tests run on is 24. The copy of the "supported languages" page that was read lists it as a preview; where that matters, 22 is generally available.')
@allowed(['22', '24'])
param nodeVersion string = '24'

@description('The app\'s virtual network; its first /27 is the app\'s subnet.')
param addressPrefix string = '10.91.0.0/24'

var tags = { 'azd-env-name': environmentName }
var token = toLower(uniqueString(subscription().id, environmentName, location))

resource appGroup 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module app 'modules/app.bicep' = {
  scope: appGroup
  name: 'app'
  params: {
    location: location
    tags: tags
    token: token
    nodeVersion: nodeVersion
    addressPrefix: addressPrefix
  }
}

// Made here and not by the app: the app then needs no right on the subscription beyond the marketplace's terms. It
// keeps a resource group that it did not make, so a teardown leaves this one standing, empty.
resource sentryGroup 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: sentryResourceGroupName
  location: sentryLocation
}

module sentryRoles 'modules/sentryRoles.bicep' = {
  scope: sentryGroup
  name: 'sentry-roles-${token}'
  params: { principalId: app.outputs.principalId }
}

module marketplaceRole 'modules/marketplaceRole.bicep' = {
  name: 'marketplace-role-${token}'
  params: { principalId: app.outputs.principalId }
}

output AZURE_RESOURCE_GROUP string = appGroup.name
output APP_NAME string = app.outputs.appName
output APP_URL string = app.outputs.appUrl
@description('The app\'s principal: give it its rights outside this subscription (docs/deploy.md).')
output APP_PRINCIPAL_ID string = app.outputs.principalId
output TOPIC_NAME string = app.outputs.topicName
output TOPIC_ENDPOINT string = app.outputs.topicEndpoint
output EGRESS_ADDRESS string = app.outputs.egressAddress

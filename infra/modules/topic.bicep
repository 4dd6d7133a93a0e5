// Where "subscription created" is announced. Azure has no such event of its own: the vending pipeline, or whatever
// watches the root management group, publishes here with the role EventGrid Data Sender (docs/deploy.md).
param location string
param tags object
param token string

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: 'evgt-sentry-${token}'
  location: location
  tags: tags
  properties: {
    // The trigger takes both schemas, and an Azure Function as the endpoint needs no CloudEvents handshake.
    inputSchema: 'EventGridSchema'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
  }
}

output name string = topic.name
output endpoint string = topic.properties.endpoint

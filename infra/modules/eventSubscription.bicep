// The second step, after the code is there: Event Grid refuses an endpoint function that does not exist yet.
param topicName string
param appName string

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = { name: topicName }
resource app 'Microsoft.Web/sites@2024-11-01' existing = { name: appName }

resource subscription 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'sentry-orchestrator'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: '${app.id}/functions/subscriptionCreated'
        // One failed event makes Event Grid deliver the whole batch again, so a batch is one event.
        maxEventsPerBatch: 1
      }
    }
    eventDeliverySchema: 'EventGridSchema'
    // Azure's own maximum: a day.
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
  }
}

using 'main.bicep'

// azd fills these in from its environment; without azd, set the variables or edit the defaults.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'sentry')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param sentryResourceGroupName = readEnvironmentVariable('SENTRY_RESOURCE_GROUP', 'cloudknox')
param nodeVersion = readEnvironmentVariable('NODE_VERSION', '24')

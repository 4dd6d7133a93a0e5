// The right to grant in the watched subscriptions, and no more than the Sentries need. Deployed on its own, by
// somebody who may give it (docs/deploy.md): Owner or User Access Administrator of the management group.
targetScope = 'managementGroup'

@description('The app\'s principal: the output APP_PRINCIPAL_ID of main.bicep.')
param principalId string

@description('Lets the app grant User Access Administrator too, which the guide calls Controller. That role may grant anything: leave it off unless a request enables the controller.')
param controller bool = false

var reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
var userAccessAdministrator = '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9'
var grantable = join(concat([reader], controller ? [userAccessAdministrator] : []), ', ')

// `@Request` is what a write asks for, `@Resource` what a deletion would take: each action needs its own half. The
// principals are limited by type, because the Sentries' identities do not exist yet.
var condition = '((!(ActionMatches{\'Microsoft.Authorization/roleAssignments/write\'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${grantable}} AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase \'ServicePrincipal\')) AND ((!(ActionMatches{\'Microsoft.Authorization/roleAssignments/delete\'})) OR (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${grantable}} AND @Resource[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase \'ServicePrincipal\'))'

// Role Based Access Control Administrator. It reads everything too, so Resource Graph shows the app its subscriptions.
var administrator = tenantResourceId('Microsoft.Authorization/roleDefinitions', 'f58310d9-a9f6-439a-9e8d-f62e7b41a168')

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, principalId, administrator)
  properties: {
    roleDefinitionId: administrator
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Sentry Orchestrator grants its Sentries their roles in the watched subscriptions.'
    condition: condition
    conditionVersion: '2.0'
  }
}

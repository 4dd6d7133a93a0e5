/**
 * The commands that give a principal application permissions of Microsoft Graph (guide, option 1, step 11). Each line
 * is a text of its own, so that it is copied whole. Those of the Azure CLI are for bash, as in Azure's Cloud Shell. Pure.
 */
import { GRAPH_APP_ID } from './blueprint/identity';

export interface Commands {
  readonly shell: 'az' | 'powershell';
  /** One after the other. Each may be run again: what is there already is refused and does no harm. */
  readonly lines: readonly string[];
}

/** Clouds beside the public one, which both tools have to be told of. */
const CLOUDS: Readonly<Record<string, { readonly az: string; readonly powershell: string }>> = {
  'https://graph.microsoft.us': { az: 'AzureUSGovernment', powershell: 'USGov' },
  'https://microsoftgraph.chinacloudapi.cn': { az: 'AzureChinaCloud', powershell: 'China' },
};

const GRAPH_ID = `az ad sp show --id ${GRAPH_APP_ID} --query id --output tsv`;

const azGrant = (graphEndpoint: string, principalId: string, resourceId: string, appRoleId: string): string => {
  const body = JSON.stringify({ principalId, resourceId, appRoleId }).replaceAll('"', '\\"');
  return `az rest --method POST --url ${graphEndpoint}/v1.0/servicePrincipals/${principalId}/appRoleAssignments --body "${body}"`;
};

/** One permission in one line, for a remedy. `appRoleId` is the permission's id among Graph's app roles. */
export const graphGrant = (graphEndpoint: string, principalId: string, appRoleId: string): string =>
  azGrant(graphEndpoint, principalId, `$(${GRAPH_ID})`, appRoleId);

interface Grant {
  readonly graphEndpoint: string;
  readonly tenantId: string;
  readonly principalId: string;
  readonly appRoleIds: readonly string[];
}

/** From signing in to the last permission, in either shell. */
export function graphGrants({ graphEndpoint, tenantId, principalId, appRoleIds }: Grant): readonly Commands[] {
  const cloud = CLOUDS[graphEndpoint];
  const environment = cloud ? ` -Environment ${cloud.powershell}` : '';
  return [
    {
      shell: 'az',
      lines: [
        ...(cloud ? [`az cloud set --name ${cloud.az}`] : []),
        `az login --tenant ${tenantId}`,
        `GRAPH=$(${GRAPH_ID})`,
        ...appRoleIds.map((id) => azGrant(graphEndpoint, principalId, '$GRAPH', id)),
      ],
    },
    {
      shell: 'powershell',
      lines: [
        `Connect-MgGraph${environment} -TenantId ${tenantId} -Scopes AppRoleAssignment.ReadWrite.All, Application.Read.All`,
        `$graph = Get-MgServicePrincipal -Filter "appId eq '${GRAPH_APP_ID}'"`,
        ...appRoleIds.map(
          (id) =>
            `New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId ${principalId} -PrincipalId ${principalId} -ResourceId $graph.Id -AppRoleId ${id}`,
        ),
      ],
    },
  ];
}

import { type Keys } from './keys';
import { type Tenant } from './tenant';

/** The environment variables with which an app uses this Azure at `url`. */
export const environmentOf = (url: string, { tenantId }: Tenant, { identityHeader }: Keys): Record<string, string> => ({
  CLOUD: 'custom',
  AZURE_TENANT_ID: tenantId,
  ARM_ENDPOINT: url,
  AUTHORITY_HOST: url,
  GRAPH_ENDPOINT: url,
  KEY_VAULT_URI: url,
  IDENTITY_ENDPOINT: `${url}/msi/token`,
  IDENTITY_HEADER: identityHeader,
  AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
});

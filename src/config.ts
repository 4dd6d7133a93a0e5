/** All settings, one schema. Read once; a wrong one stops the app at its start, by name. */
import { z } from 'zod';

const https = z.url({ protocol: /^https$/, error: 'must be an https URL' }).transform((url) => url.replace(/\/$/, ''));
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

/** Azure's clouds (Azure SDK, `AzureAuthorityHosts` and Graph's national deployments). */
const CLOUDS = {
  public: {
    armEndpoint: 'https://management.azure.com',
    armAudience: 'https://management.azure.com',
    authorityHost: 'https://login.microsoftonline.com',
    graphEndpoint: 'https://graph.microsoft.com',
  },
  usgov: {
    armEndpoint: 'https://management.usgovcloudapi.net',
    armAudience: 'https://management.usgovcloudapi.net',
    authorityHost: 'https://login.microsoftonline.us',
    graphEndpoint: 'https://graph.microsoft.us',
  },
  china: {
    armEndpoint: 'https://management.chinacloudapi.cn',
    armAudience: 'https://management.chinacloudapi.cn',
    authorityHost: 'https://login.chinacloudapi.cn',
    graphEndpoint: 'https://microsoftgraph.chinacloudapi.cn',
  },
} as const;

const settings = z.object({
  /** The tenant that the app runs in, and the only one that it serves. */
  AZURE_TENANT_ID: z.guid().toLowerCase(),
  /** The app's user-assigned identity; absent with a system-assigned one. */
  AZURE_CLIENT_ID: z.guid().optional(),
  KEY_VAULT_URI: https,
  CLOUD: z.enum(['public', 'usgov', 'china', 'custom']).default('public'),
  ARM_ENDPOINT: https.optional(),
  AUTHORITY_HOST: https.optional(),
  GRAPH_ENDPOINT: https.optional(),
  /** The app's own outbound addresses as CIDR ranges: without them the app could not reach the appliance. */
  EGRESS_ADDRESSES: list
    .pipe(z.array(z.cidrv4({ error: 'is not a CIDR range of IPv4, which appliances have' })))
    .default([]),
  /** `true` where the app's outbound traffic goes through a virtual network that reaches the appliances' own. */
  PRIVATE_NETWORK: z.stringbool().default(false),
  /** Local only: the CONNECT proxy behind which the simulated appliances live. */
  APPLIANCE_PROXY: z.url().optional(),
});

interface Cloud {
  readonly armEndpoint: string;
  /** What ARM's tokens are asked for. */
  readonly armAudience: string;
  readonly authorityHost: string;
  readonly graphEndpoint: string;
}
export interface Config {
  readonly tenantId: string;
  readonly clientId: string | undefined;
  readonly keyVaultUri: string;
  readonly cloud: Cloud;
  /** True where Entra itself is not one that the sign-in library knows. */
  readonly customAuthority: boolean;
  readonly egressAddresses: readonly string[];
  readonly privateNetwork: boolean;
  readonly applianceProxy: string | undefined;
}

/** Throws one error that names every setting that is missing or wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const parsed = settings.safeParse(environment);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new Error(`Settings are missing or wrong. See docs/deploy.md. ${faults.join('; ')}`);
  }
  const { data } = parsed;
  return {
    tenantId: data.AZURE_TENANT_ID,
    clientId: data.AZURE_CLIENT_ID,
    keyVaultUri: data.KEY_VAULT_URI,
    cloud: data.CLOUD === 'custom' ? customCloud(data) : CLOUDS[data.CLOUD],
    customAuthority: data.CLOUD === 'custom',
    egressAddresses: data.EGRESS_ADDRESSES,
    privateNetwork: data.PRIVATE_NETWORK,
    applianceProxy: data.APPLIANCE_PROXY,
  };
}

function customCloud({ ARM_ENDPOINT, AUTHORITY_HOST, GRAPH_ENDPOINT }: z.output<typeof settings>): Cloud {
  if (!ARM_ENDPOINT || !AUTHORITY_HOST || !GRAPH_ENDPOINT) {
    throw new Error('CLOUD=custom needs ARM_ENDPOINT, AUTHORITY_HOST and GRAPH_ENDPOINT. See docs/deploy.md.');
  }
  return {
    armEndpoint: ARM_ENDPOINT,
    armAudience: ARM_ENDPOINT,
    authorityHost: AUTHORITY_HOST,
    graphEndpoint: GRAPH_ENDPOINT,
  };
}

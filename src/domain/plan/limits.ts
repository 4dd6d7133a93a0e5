/** Azure's documented limits on writes, and how long a number of them takes. Pure. */

interface Allowance {
  readonly what: string;
  /** How many at once. */
  readonly size: number;
  /** As a bucket: how many more each second. */
  readonly perSecond?: number;
  /** As a window: `size` of them in each. */
  readonly windowSeconds?: number;
  readonly source: string;
}

export const limits = {
  armWrites: {
    what: 'Writes of Azure Resource Manager in the host subscription',
    size: 200,
    perSecond: 10,
    source: 'Azure, "Understand how Azure Resource Manager throttles requests"',
  },
  authorizationWrites: {
    what: 'Role assignments by one principal',
    size: 120,
    windowSeconds: 60,
    source: 'not documented; Azure was seen to refuse more with ResourceRequestsThrottled',
  },
  networkWrites: {
    what: 'Writes of Microsoft.Network in the host subscription',
    size: 1_000,
    windowSeconds: 300,
    source: 'Azure, "Understand how Azure Resource Manager throttles requests", network throttling',
  },
  vmWrites: {
    what: 'VMs made in the host subscription',
    size: 1_500,
    perSecond: 500 / 60,
    source: 'Azure, "Compute throttling limits", Put VM',
  },
  graphWrites: {
    what: 'Writes of Microsoft Graph by one app',
    size: 3_000,
    windowSeconds: 150,
    source: 'Microsoft Graph, "service-specific throttling limits", identity and access',
  },
  vaultWrites: {
    what: 'Secrets made in one key vault',
    size: 300,
    windowSeconds: 10,
    source: 'Azure, "Key Vault service limits"',
  },
} as const satisfies Readonly<Record<string, Allowance>>;
export type Limit = keyof typeof limits;

/** Until a limit has let this many through, in seconds. */
export function secondsFor(limit: Limit, calls: number): number {
  const { size, ...rest }: Allowance = limits[limit];
  if (rest.windowSeconds !== undefined) return Math.max(0, Math.ceil(calls / size) - 1) * rest.windowSeconds;
  return Math.ceil(Math.max(0, calls - size) / (rest.perSecond ?? 1));
}

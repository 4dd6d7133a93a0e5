/** What a Sentry is proven to be able to do before it counts as completed: report, and read what it was granted. Pure. */
import { canArrive } from './addressRange';
import { type ApplianceChoice, applianceOf, type Blueprint, clientSecretOf } from './blueprint/blueprint';
import type { CloudAddresses } from './consent';
import type { Refusal } from './outcome';
import type { Unreached } from './proofScript';
import type { SubscriptionState } from './states';

/** Endpoints of the cloud that the app runs in. */
export interface Cloud extends CloudAddresses {
  readonly armEndpoint: string;
  /** What ARM's tokens are asked for. */
  readonly armAudience: string;
}

/** What a Sentry must reach on 443 to collect and to report, each once. */
export function originsOf({ armEndpoint, authorityHost, graphEndpoint }: Cloud, hosts: readonly string[]): string[] {
  const azure = [armEndpoint, authorityHost, graphEndpoint].map((url) => new URL(url).origin);
  return [...new Set([...azure, ...hosts.map((host) => `https://${host}`)])];
}

export const outboundBlocked = (unreached: readonly Unreached[]): Refusal => ({
  code: 'OutboundBlocked',
  reason: `The appliance does not reach what it collects from and reports to: ${unreached
    .map(({ origin, why }) => `${origin} (${why})`)
    .join('; ')}`,
  remedy:
    'Give its subnet a NAT gateway or another way out, let its security group, routes and firewall pass TCP 443 to these hosts, then send the same request again.',
});

export const outboundUnproven = (reason: string): Refusal => ({
  code: 'OutboundUnproven',
  reason: `The appliance could not be asked what it reaches: ${reason}`,
  remedy: 'See that the VM runs and, where a window was opened, that it stays open; then send the same request again.',
});

/** How the app comes to an appliance. */
interface Reach {
  readonly egressAddresses: readonly string[];
  readonly privateNetwork: boolean;
}

/** Whether the app is let in while a window is open, as far as its settings say. */
export const isReached = ({ egressAddresses, privateNetwork }: Reach, { access }: ApplianceChoice): boolean =>
  access.kind === 'private' ? privateNetwork : egressAddresses.some((range) => canArrive(range, 'public'));

/** Why a grant is not proven, where nobody has asked, or could. */
export function whyUnasked(blueprint: Blueprint & Reach): string {
  const { identity } = blueprint.request;
  if (clientSecretOf(blueprint.request)) return 'Proven once the Sentry is set up';
  if (identity.kind === 'appRegistration')
    return 'The application has no secret: only the workload of its federated credential can sign in as it';
  const appliance = applianceOf(blueprint);
  if (!appliance)
    return 'The managed identity can only be used where it is attached, and this profile has no appliance';
  if (appliance.configuration.kind === 'manual' && !isReached(blueprint, appliance))
    return 'The appliance is set up by hand, this app does not reach it to ask (EGRESS_ADDRESSES, PRIVATE_NETWORK), and its managed identity can be used on it alone';
  return 'Its managed identity can be used on the appliance alone: proven when the set-up script is next run';
}

type States = Readonly<Record<string, SubscriptionState>>;

/** The same states, with what is proven of each grant, and why the rest is not. */
export const withProof = (states: States, isProven: (id: string) => boolean, why: (id: string) => string): States =>
  Object.fromEntries(
    Object.entries(states).map(([id, one]): [string, SubscriptionState] => {
      if (one.state !== 'granted') return [id, one];
      const { collected } = one;
      return [
        id,
        isProven(id)
          ? { state: 'granted', collected, proven: true }
          : { state: 'granted', collected, proven: false, why: why(id) },
      ];
    }),
  );

export const grantedOf = (states: States): readonly string[] =>
  Object.entries(states).flatMap(([id, { state }]) => (state === 'granted' ? [id] : []));

const SHOWN = 3;

/** Grants that were asked for and not found: the run completes, with an exception. */
export const accessUnproven = (ids: readonly string[], why: string): Refusal => ({
  code: 'AccessUnproven',
  reason: `${ids.length} granted, unproven: ${ids.slice(0, SHOWN).join(', ')}${ids.length > SHOWN ? ', …' : ''}. ${why}`,
  remedy:
    'See whether a deny assignment or another hand took the role away: `az role assignment list --scope /subscriptions/<id> --include-inherited`. Azure may only be slow: look again with the same request.',
});

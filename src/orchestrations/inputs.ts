/** What the orchestrations are started with: everything resolved, nothing secret. */
import type { Blueprint } from '../domain/blueprint/blueprint';
import type { Given, Progress } from '../domain/graph';
import type { Cloud } from '../domain/proof';

export interface DeploymentInput extends Blueprint {
  /** The app's own outbound addresses: they join each window's sources. */
  readonly egressAddresses: readonly string[];
  /** The app reaches private addresses. */
  readonly privateNetwork: boolean;
  /** What each appliance must reach besides its profile's hosts. */
  readonly cloud: Cloud;
  /** Nobody asked for this run: what drifted is set right, and nothing else. */
  readonly repair?: true;
}

export interface SentryInput extends DeploymentInput {
  readonly n: number;
  readonly subscriptions: readonly string[];
  /** What all Sentries share, as it came out. */
  readonly shared: Given;
  /** What of that lost its mark, and what needs it. */
  readonly lacking?: Progress;
}

export interface ApprovedInput {
  /** The plan that was approved. */
  readonly planId: string;
  readonly input: DeploymentInput;
  /** It was carried out before: asked for again, it is a new run only where it is the plan once more. */
  readonly carriedOut: boolean;
}

export interface OnboardInput {
  readonly subscriptionId: string;
  readonly deployment: string;
}

export interface ReconcileInput {
  readonly input: DeploymentInput;
  /** When the newest run began. It rests. */
  readonly startedAt: string;
  readonly repair: boolean;
  /** A person asked just then, so no change window is waited for. */
  readonly asked: boolean;
}

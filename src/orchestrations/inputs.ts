/** What the orchestrations are started with: everything resolved, nothing secret. */
import type { Blueprint } from '../domain/blueprint/blueprint';
import type { Given } from '../domain/graph';
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
}

export interface ApprovedInput {
  /** The plan that was approved. */
  readonly planId: string;
  readonly input: DeploymentInput;
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

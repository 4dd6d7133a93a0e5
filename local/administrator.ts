/** Plays the people: starts the deployment, watches it, and is at the console when a Sentry waits for its PIN. */
import { z } from 'zod';
import { getJson, type World } from './world';

const resource = z.looseObject({
  key: z.string(),
  kind: z.string(),
  id: z.string(),
  state: z.string(),
  change: z.string().optional(),
  ours: z.boolean().optional(),
  reason: z.string().optional(),
});
const counts = z.object({ total: z.number(), granted: z.number(), proven: z.number(), setAside: z.number() });
const receipt = z.looseObject({
  sentry: z.number(),
  openedAt: z.string().nullable(),
  closedAt: z.string(),
  why: z.string(),
  provenClosed: z.boolean(),
});
const problem = z.looseObject({ code: z.string(), reason: z.string(), remedy: z.string() });
const sentry = z.looseObject({
  n: z.number(),
  stage: z.string(),
  address: z.string().nullish(),
  window: z
    .looseObject({
      openedAt: z.string(),
      expiresAt: z.string(),
      secondsLeft: z.number(),
      address: z.string(),
      ports: z.array(z.number()),
      sources: z.array(z.string()),
    })
    .nullish(),
  handoff: z
    .looseObject({
      id: z.string(),
      kind: z.string(),
      address: z.string().optional(),
      text: z.string(),
      command: z.string().optional(),
      commands: z.array(z.object({ shell: z.string(), lines: z.array(z.string()) })).optional(),
    })
    .nullish(),
  subscriptions: counts,
  configured: z
    .looseObject({ proof: z.looseObject({ at: z.string(), outbound: z.array(z.string()) }).nullable() })
    .nullish(),
  resources: z.array(resource),
  receipts: z.array(receipt),
  stopped: problem.extend({ transcript: z.string().optional() }).nullish(),
});
const view = z.looseObject({
  name: z.string(),
  state: z.string(),
  runtimeStatus: z.string(),
  startedAt: z.string().optional(),
  finishedAt: z.string().nullish(),
  subscriptions: counts.default({ total: 0, granted: 0, proven: 0, setAside: 0 }),
  resources: z.array(resource).default([]),
  request: z
    .looseObject({
      profile: z.string(),
      controller: z.looseObject({ enabled: z.boolean() }),
      /** Absent where there is no appliance. */
      access: z.looseObject({ sourceAddresses: z.array(z.string()), ports: z.array(z.number()).optional() }).optional(),
    })
    .optional(),
  sentries: z.array(sentry),
  problems: z.array(problem),
});
export type DeploymentShown = z.infer<typeof view>;
export type SentryShown = z.infer<typeof sentry>;
export type ResourceShown = z.infer<typeof resource>;

const plan = z.looseObject({
  planId: z.string(),
  summary: z.looseObject({
    create: z.number(),
    change: z.number(),
    keep: z.number(),
    remove: z.number(),
    refused: z.number(),
    appliances: z.number(),
  }),
  estimate: z.looseObject({ azureCalls: z.number(), seconds: z.number() }),
});
export type PlanShown = z.infer<typeof plan>;
/** Until the plan is there, where to ask for it. */
const planning = z.union([plan, z.looseObject({ statusUrl: z.string() })]);

const registration = z.looseObject({ email: z.string(), pin: z.string() });

/** Where the app and the console are, and how often to look. */
interface Desk extends Pick<World, 'hostUrl' | 'consoleUrl'> {
  readonly keys: { readonly operator: string };
  /** In place of the global one, where nothing listens at those URLs. */
  readonly fetch?: typeof fetch;
  readonly pollMs?: number;
}

const POLL_MS = 250;

export class Administrator {
  constructor(private readonly world: Desk) {}

  private call(path: string, body?: unknown): Promise<unknown> {
    const init = {
      headers: { 'x-functions-key': this.world.keys.operator, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    };
    return getJson(`${this.world.hostUrl}/api/${path}`, init, this.world.fetch);
  }

  /** What the request would do. */
  async plan(request: unknown): Promise<PlanShown> {
    for (let shown = planning.parse(await this.call('deployments?dryRun=true', request)); ;) {
      if ('planId' in shown) return plan.parse(shown);
      await new Promise((resolve) => setTimeout(resolve, this.world.pollMs ?? POLL_MS));
      shown = planning.parse(await this.call(shown.statusUrl.split('/api/')[1] ?? ''));
    }
  }

  async start(request: unknown): Promise<void> {
    await this.call('deployments', request);
  }

  async read(name: string): Promise<DeploymentShown> {
    return view.parse(await this.call(`deployments/${name}`));
  }

  /** Watches until the deployment rests, taking each Sentry's address to the console when it is asked for. */
  async seeThrough(name: string, onChange: (shown: DeploymentShown) => void): Promise<DeploymentShown> {
    for (;;) {
      const shown = await this.read(name);
      onChange(shown);
      if (shown.state !== 'running') return shown;
      await this.attend(shown);
      await new Promise((resolve) => setTimeout(resolve, this.world.pollMs ?? POLL_MS));
    }
  }

  /** Says to be there, and brings each waiting Sentry the email and PIN that the console hands out for its address. */
  async attend({ name, sentries }: DeploymentShown): Promise<void> {
    for (const { n, handoff } of sentries) {
      if (handoff?.kind === 'presence') await this.answer(name, handoff.id);
      if (handoff?.kind === 'registration') await this.register(name, n, handoff.address ?? '');
    }
  }

  private async answer(name: string, id: string): Promise<void> {
    await asked(this.call(`deployments/${name}/handoffs/${id}`, { done: true }));
  }

  private async register(name: string, n: number, address: string): Promise<void> {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ applianceAddress: address }),
    };
    const shown = await getJson(`${this.world.consoleUrl}/console/azure/data-collectors`, init, this.world.fetch);
    const { email, pin } = registration.parse(shown);
    await asked(this.call(`deployments/${name}/sentries/${n}/registration`, { email, pin }));
  }
}

/**
 * The Sentry took the answer of the round before just now, and asks no more; or the app could not reach its vault, and
 * the next look finds the handoff still there.
 */
async function asked(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof Error && /NotAwaited|answered 5\d\d/.test(error.message))) throw error;
  }
}

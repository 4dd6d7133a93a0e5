/** What a run came to, for people and as one JSON document. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { DeploymentShown, PlanShown, SentryShown } from './administrator';

const azureCalls = z.object({
  total: z.number(),
  throttled: z.number(),
  byOperation: z.record(z.string(), z.number()),
});
const met = z.object({ faults: z.array(z.object({ fault: z.string(), status: z.number(), count: z.number() })) });

export interface Report {
  readonly deployment: string;
  readonly runtimeStatus: string;
  readonly state: string;
  readonly sentries: readonly { readonly n: number; readonly stage: string; readonly subscriptions: number }[];
  readonly subscriptions: DeploymentShown['subscriptions'];
  readonly windows: readonly Window[];
  readonly simulatedSeconds: number;
  readonly azureCalls: z.infer<typeof azureCalls>;
  /** What Azure did to the run, where it was asked to fail now and then. */
  readonly chaos?: { readonly seed: string } & z.infer<typeof met>;
}
interface Window {
  readonly sentry: number;
  readonly openedAt: string | null;
  readonly closedAt: string;
  readonly provenClosed: boolean;
}

export function report(shown: DeploymentShown, calls: unknown, chaos: string | undefined): Report {
  const simulated = Date.parse(shown.finishedAt ?? '') - Date.parse(shown.startedAt ?? '');
  return {
    deployment: shown.name,
    runtimeStatus: shown.runtimeStatus,
    state: shown.state,
    sentries: shown.sentries.map(({ n, stage, subscriptions }) => ({ n, stage, subscriptions: subscriptions.granted })),
    subscriptions: shown.subscriptions,
    windows: shown.sentries.flatMap(({ receipts }) =>
      receipts.map(({ sentry, openedAt, closedAt, provenClosed }) => ({ sentry, openedAt, closedAt, provenClosed })),
    ),
    simulatedSeconds: Number.isFinite(simulated) ? Math.round(simulated / 1_000) : 0,
    azureCalls: azureCalls.parse(calls),
    ...(chaos === undefined ? {} : { chaos: { seed: chaos, ...met.parse(calls) } }),
  };
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** What will be done, before it is. */
export const planLine = ({ planId, summary, estimate }: PlanShown): string =>
  `Plan ${planId}: ${summary.create} to create, ${summary.change} to change, ${summary.remove} to remove, ${summary.refused} refused, ${summary.keep} as they should be; ${counted(summary.appliances, 'appliance')} to set up. About ${counted(estimate.azureCalls, 'call')} of Azure and ${counted(Math.ceil(estimate.seconds / 60), 'minute')}, people's time apart.`;

/** Faults by the simulator's names (docs/simulated-azure.md), in words. */
const inWords: Readonly<Record<string, string>> = {
  before: 'not done, answered',
  afterEffect: 'done, but answered',
  reset: 'cut off before it was done',
  resetAfterEffect: 'cut off after it was done',
  hang: 'never answered',
  truncate: 'cut off in the middle of the answer',
  operationFails: 'begun, and failed later',
  operationCanceled: 'begun, and cancelled later',
  lostReplication: 'done, but not seen for two minutes',
  staleRead: 'answered as before the last change',
  expiredToken: 'refused for a token that had run out',
};
const ANSWERED = ['before', 'afterEffect'];

const weather = ({ seed, faults }: NonNullable<Report['chaos']>): readonly string[] => [
  '',
  `Chaos, from the seed '${seed}': ${faults.reduce((sum, { count }) => sum + count, 0)} calls met a fault`,
  ...faults.map(({ fault, status, count }) => {
    const name = fault.replace(/^chaos: /, '');
    const answer = ANSWERED.includes(name) ? ` ${status}` : '';
    return `  ${String(count).padStart(3)} × ${inWords[name] ?? name}${answer}`;
  }),
];

const profile = z.looseObject({
  roles: z.looseObject({
    always: z.array(z.looseObject({ name: z.string() })),
    controller: z.array(z.looseObject({ name: z.string() })).default([]),
  }),
});

/** As the profile has them. */
function rolesGranted(request: DeploymentShown['request']): readonly string[] {
  if (!request) return [];
  const file = join(__dirname, '..', '..', 'profiles', `${request.profile}.json`);
  const { always, controller } = profile.parse(JSON.parse(readFileSync(file, 'utf8'))).roles;
  return [...always, ...(request.controller.enabled ? controller : [])].map(({ name }) => name);
}

/** Nothing where there is no appliance that one could lead to. */
function windowLines(
  access: NonNullable<DeploymentShown['request']>['access'],
  windows: Report['windows'],
): readonly string[] {
  if (!access) return [];
  const { sourceAddresses, ports = [22] } = access;
  const time = (iso: string | null): string => iso?.slice(11, 19) ?? 'never';
  return [
    '',
    `Access windows: port ${ports.join(', ')} for ${sourceAddresses.join(', ')} and the app itself (simulated time, UTC)`,
    ...windows.map(
      ({ sentry, openedAt, closedAt, provenClosed }) =>
        `  Sentry ${sentry}: opened ${time(openedAt)}, closed ${time(closedAt)}, ${provenClosed ? 'proven closed: no rule and no public address is left' : 'NOT PROVEN CLOSED'}`,
    ),
  ];
}

/** The last screen of the demo. */
export function summary(shown: DeploymentShown, told: Report): string {
  const made = (resources: DeploymentShown['resources'], indent: string): readonly string[] =>
    resources.map(
      ({ key, change, id, state }) =>
        `${indent}${(change ?? state).padEnd(8)} ${key.padEnd(34)} ${id.split('/').at(-1) ?? id}`,
    );
  const roles = rolesGranted(shown.request).join(' and ');
  const outbound = (proof: NonNullable<SentryShown['configured']>['proof'] | undefined): string =>
    proof
      ? `; reaches ${proof.outbound.map((url) => new URL(url).host).join(', ')} on 443`
      : '; outbound 443 not proven';
  return [
    '',
    `Deployment '${told.deployment}': ${told.state}`,
    '',
    'What was created',
    ...made(shown.resources, '  '),
    ...shown.sentries.flatMap(({ n, resources }) => [`  Sentry ${n}`, ...made(resources, '    ')]),
    '',
    `Subscriptions: ${told.subscriptions.granted} granted, ${told.subscriptions.proven} of them proven readable, ${told.subscriptions.setAside} set aside, of ${told.subscriptions.total}`,
    ...shown.sentries.map(
      ({ n, subscriptions, configured }) =>
        `  Sentry ${n} watches ${subscriptions.granted}, with ${roles} in each${shown.request?.access ? outbound(configured?.proof) : ''}`,
    ),
    ...windowLines(shown.request?.access, told.windows),
    ...(shown.problems.length === 0 ? [] : ['', 'What stopped']),
    ...shown.problems.flatMap(({ code, reason, remedy }) => [`  ${code}: ${reason}`, `    ${remedy}`]),
    ...(told.chaos === undefined ? [] : weather(told.chaos)),
    '',
    `${told.simulatedSeconds} s on the simulated clock; ${told.azureCalls.total} calls of Azure, ${told.azureCalls.throttled} throttled.`,
  ].join('\n');
}

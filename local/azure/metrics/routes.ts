import { find } from '../arm/resourceRoutes';
import { type Azure } from '../azure';
import { virtualMachines } from '../compute/virtualMachines';
import { type Call, ok, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { type Resource } from '../store/resources';
import { bytesSent, IDLE_BYTES_PER_MINUTE } from './traffic';

const INSIGHTS =
  '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/Microsoft.Compute/virtualMachines/:name/providers/Microsoft.Insights';

/** Azure Monitor's metrics of a machine: what it sends, so that collecting or not collecting can be seen. */
export const metricRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: `${INSIGHTS}/metrics`, api: 'arm', handle: (call) => ok(metrics(azure, call)) },
  { method: 'GET', path: `${INSIGHTS}/metricDefinitions`, api: 'arm', handle: (call) => ok(definitions(azure, call)) },
];

const minutes = { PT1M: 1, PT5M: 5, PT15M: 15, PT30M: 30, PT1H: 60, PT6H: 360, PT12H: 720, P1D: 1440 } as const;
type Interval = keyof typeof minutes;
const aggregations = ['Average', 'Minimum', 'Maximum', 'Total', 'Count'] as const;
type Aggregation = (typeof aggregations)[number];

interface Metric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly primary: Aggregation;
  /** Its value in one minute, out of what was sent then. */
  readonly perMinute: (sent: number) => number;
}

const known: readonly Metric[] = [
  {
    name: 'Network Out Total',
    description: 'The number of bytes out on all network interfaces by the Virtual Machine(s) (Outgoing Traffic)',
    unit: 'Bytes',
    primary: 'Total',
    perMinute: (sent) => sent,
  },
  {
    name: 'Network In Total',
    description: 'The number of bytes received on all network interfaces by the Virtual Machine(s) (Incoming Traffic)',
    unit: 'Bytes',
    primary: 'Total',
    perMinute: (sent) => sent / 8,
  },
  {
    name: 'Percentage CPU',
    description: 'The percentage of allocated compute units that are currently in use by the Virtual Machine(s)',
    unit: 'Percent',
    primary: 'Average',
    perMinute: (sent) => (sent === 0 ? 0 : Math.min(95, 0.3 * (sent / IDLE_BYTES_PER_MINUTE))),
  },
];

/** Insights words its refusals without an `error` around them. */
const refused = (message: string): AzureError => new AzureError(400, 'BadRequest', message, { bare: true });

function metrics(azure: Azure, call: Call): Record<string, unknown> {
  const vm = find(azure, virtualMachines, call);
  if (call.query('$filter') !== undefined)
    throw new AzureError(
      400,
      'NotSimulated',
      '$filter is not simulated. Simulated are metricnames, timespan, interval and aggregation.',
    );
  const namespace = call.query('metricnamespace') ?? virtualMachines.type;
  if (namespace.toLowerCase() !== virtualMachines.type.toLowerCase())
    throw refused(`Failed to find metric namespace: ${namespace}. Valid metric namespaces: ${virtualMachines.type}.`);
  const interval = intervalOf(call);
  const [from, to] = timespan(azure, call);
  const asked = (call.query('metricnames') ?? 'Network Out Total').split(',').map(metricOf);
  return {
    cost: Math.round((to - from) / 60_000) * asked.length,
    timespan: `${iso(from)}/${iso(to)}`,
    interval,
    value: asked.map((metric) => ({
      id: `${vm.id}/providers/Microsoft.Insights/metrics/${metric.name}`,
      type: 'Microsoft.Insights/metrics',
      name: { value: metric.name, localizedValue: metric.name },
      displayDescription: metric.description,
      unit: metric.unit,
      timeseries: [{ metadatavalues: [], data: series(azure, vm, metric, from, to, interval, call) }],
      errorCode: 'Success',
    })),
    namespace: virtualMachines.type,
    resourceregion: vm.document.location,
  };
}

const iso = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');

function metricOf(asked: string): Metric {
  const found = known.find(({ name }) => name.toLowerCase() === asked.trim().toLowerCase());
  if (found !== undefined) return found;
  const names = known.map(({ name }) => name).join(',');
  throw refused(
    `Failed to find metric configuration for provider: Microsoft.Compute, resource Type: virtualMachines, metric: ${asked.trim()}, Valid metrics: ${names}`,
  );
}

function intervalOf(call: Call): Interval {
  const asked = call.query('interval') ?? 'PT1M';
  const found = (Object.keys(minutes) as Interval[]).find((name) => name === asked.toUpperCase());
  if (found !== undefined) return found;
  throw refused(
    'Detect invalid time grain input, supported ones are: 00:01:00,00:05:00,00:15:00,00:30:00,01:00:00,06:00:00,12:00:00,1.00:00:00',
  );
}

/** `start/end`; the last hour of whole minutes where none is given. */
function timespan(azure: Azure, call: Call): readonly [from: number, to: number] {
  const asked = call.query('timespan');
  const minute = Math.floor(azure.now() / 60_000) * 60_000;
  if (asked === undefined) return [minute - 3_600_000, minute];
  const [from = NaN, to = NaN] = asked.split('/').map((time) => Date.parse(time));
  if (from < to) return [from, to];
  throw refused(
    `Invalid timespan input: '${asked}'. Expected is start/end, both in ISO 8601, the start before the end.`,
  );
}

function aggregationsOf(call: Call, { primary }: Metric): readonly Aggregation[] {
  const asked = call.query('aggregation');
  if (asked === undefined || asked === '') return [primary];
  return asked.split(',').map((name) => {
    const found = aggregations.find((one) => one.toLowerCase() === name.trim().toLowerCase());
    if (found !== undefined) return found;
    throw refused(`Invalid aggregation type: ${name.trim()}, supported ones are: ${aggregations.join(',')}`);
  });
}

/** One point an interval, at its beginning, as far as time has come. A machine that does not run sends nothing. */
function series(
  azure: Azure,
  vm: Resource,
  metric: Metric,
  from: number,
  to: number,
  interval: Interval,
  call: Call,
): Record<string, unknown>[] {
  const step = minutes[interval] * 60_000;
  const asked = aggregationsOf(call, metric);
  const first = Math.floor(from / step) * step;
  const end = Math.min(to, azure.now());
  const count = Math.max(0, Math.ceil((end - first) / step));
  return Array.from({ length: count }, (_, index) => {
    const at = first + index * step;
    const samples = Array.from({ length: minutes[interval] }, (__, minute) => at + minute * 60_000)
      .filter((start) => start < end)
      .map((start) => metric.perMinute(Math.round(bytesSent(azure, vm, start, start + 60_000))));
    const total = samples.reduce((sum, one) => sum + one, 0);
    const values: Record<Aggregation, number> = {
      Total: total,
      Average: total / samples.length,
      Minimum: Math.min(...samples),
      Maximum: Math.max(...samples),
      Count: samples.length,
    };
    return { timeStamp: iso(at), ...Object.fromEntries(asked.map((name) => [name.toLowerCase(), values[name]])) };
  });
}

function definitions(azure: Azure, call: Call): Record<string, unknown> {
  const vm = find(azure, virtualMachines, call);
  return {
    value: known.map(({ name, description, unit, primary }) => ({
      id: `${vm.id}/providers/microsoft.insights/metricdefinitions/${name}`,
      resourceId: vm.id,
      namespace: virtualMachines.type,
      name: { value: name, localizedValue: name },
      displayDescription: description,
      isDimensionRequired: false,
      unit,
      primaryAggregationType: primary,
      supportedAggregationTypes: [...aggregations],
      metricAvailabilities: Object.keys(minutes).map((timeGrain) => ({ timeGrain, retention: 'P93D' })),
      dimensions: [],
    })),
  };
}

import { z } from 'zod';
import { tracked, type Kind } from '../arm/kind';
import { doneAt, type Azure } from '../azure';
import { type Resource } from '../store/resources';
import { demandRunning, lastBytes, machineOf } from './runCommand';
import { execute, executorOf } from './executor';
import { isAnswered } from './scripts';
import { demandNoBlobs, runSource, source } from './scriptSources';

const parameters = z.array(z.looseObject({ name: z.string().optional(), value: z.string() })).default([]);

const properties = z.looseObject({
  source,
  parameters,
  protectedParameters: parameters,
  runAsUser: z.string().optional(),
  runAsPassword: z.string().optional(),
  asyncExecution: z.boolean().default(false),
  timeoutInSeconds: z.number().int().min(1).max(5_184_000).default(5400),
  treatFailureAsDeploymentFailure: z.boolean().default(false),
});

const execution = z.object({
  startedAt: z.number(),
  endsAt: z.number(),
  timedOut: z.boolean(),
  exitCode: z.number(),
  stdout: z.string(),
  stderr: z.string(),
  problem: z.string().optional(),
});
type Execution = z.infer<typeof execution>;

/** Run commands as resources (v2): each PUT runs its script, and the instance view tells how it went. */
export const runCommands: Kind = {
  type: 'Microsoft.Compute/virtualMachines/runCommands',
  timing: { put: 'runCommand', remove: 'runCommand' },
  phases: ['Creating', 'Updating'],
  siblings: true,
  schema: tracked(properties),
  readOnly: ['instanceView'],
  prepare(azure, put) {
    const vm = machineOf(azure, put.id);
    const asked = properties.parse(put.body.properties);
    demandNoBlobs(asked);
    demandRunning(azure, vm);
    const { protectedParameters, runAsPassword: _, ...shown } = asked;
    const given = [...asked.parameters, ...protectedParameters];
    const script = asked.source.script ?? '';
    const elsewhere = executorOf(azure, script) !== undefined && !isAnswered(azure, vm, script);
    const { seconds, ...result } = elsewhere
      ? { stdout: '', stderr: '', exitCode: 0, seconds: Infinity }
      : runSource(azure, vm, asked.source, environmentOf(given));
    const startedAt = doneAt(azure, 'runCommand');
    const timedOut = seconds > asked.timeoutInSeconds;
    const endsAt = startedAt + Math.min(seconds, asked.timeoutInSeconds) * 1000;
    const failed =
      asked.treatFailureAsDeploymentFailure && !asked.asyncExecution && (timedOut || result.exitCode !== 0);
    return {
      document: { ...put.body, properties: { ...shown, parameters: asked.parameters } },
      hidden: { ...result, timedOut, startedAt, endsAt },
      readyAt: asked.asyncExecution ? startedAt : endsAt,
      ...(failed
        ? {
            failure: {
              code: 'VMExtensionProvisioningError',
              message: `VM has reported a failure when processing extension '${put.name}'. Error message: 'Script returned an error with exit code ${result.exitCode}.'`,
            },
          }
        : {}),
    };
  },
  stored(azure, resource, put) {
    const { source, parameters: open, protectedParameters } = properties.parse(put.body.properties);
    const vm = machineOf(azure, put.id);
    const url = source.script === undefined ? undefined : executorOf(azure, source.script);
    if (source.script === undefined || url === undefined || isAnswered(azure, vm, source.script)) return;
    execute(url, vm, source.script, environmentOf([...open, ...protectedParameters]), (outcome) => {
      const now = azure.resources.get(put.id);
      // Replaced or removed meanwhile: nobody asks for this one's end any more.
      if (now === undefined || now.hidden['startedAt'] !== resource.hidden['startedAt']) return;
      const endsAt = Math.max(azure.now(), execution.parse(now.hidden).startedAt);
      azure.resources.setHidden(put.id, { ...now.hidden, ...outcome, timedOut: false, endsAt });
    });
  },
  computed: (azure, resource, call) =>
    /instanceView/i.test(call?.query('$expand') ?? '') ? { instanceView: instanceView(azure, resource) } : {},
};

/** On Linux a named parameter is an environment variable, an unnamed one an argument (azure-facts §6). */
const environmentOf = (given: z.infer<typeof parameters>): Record<string, string> =>
  Object.fromEntries([
    ...given.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value] as const])),
    ...given.filter(({ name }) => name === undefined).map(({ value }, index) => [String(index + 1), value] as const),
  ]);

function instanceView(azure: Azure, { hidden }: Resource): Record<string, unknown> {
  const { startedAt, endsAt, timedOut, exitCode, stdout, stderr, problem }: Execution = execution.parse(hidden);
  const now = azure.now();
  if (now < startedAt) return { executionState: 'Pending', executionMessage: '', exitCode: 0, output: '', error: '' };
  const startTime = new Date(startedAt).toISOString();
  if (now < endsAt)
    return {
      executionState: 'Running',
      executionMessage: 'Execution is in progress',
      exitCode: 0,
      output: '',
      error: '',
      startTime,
    };
  const executionState = timedOut ? 'TimedOut' : exitCode === 0 ? 'Succeeded' : 'Failed';
  return {
    executionState,
    executionMessage: timedOut ? 'Execution timed out' : (problem ?? 'Execution completed'),
    exitCode: timedOut ? -1 : exitCode,
    output: timedOut ? '' : lastBytes(stdout),
    error: timedOut ? '' : lastBytes(stderr),
    startTime,
    endTime: new Date(endsAt).toISOString(),
  };
}

import { z } from 'zod';
import { type Azure } from '../azure';
import { nameOf } from '../http/paths';
import { type Resource } from '../store/resources';
import { powerOf } from './instanceView';
import { vmProperties } from './shapes';

/** What a script did: its streams, its exit status, and how long it ran. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  readonly seconds: number;
}

/** An answer that a rehearsal gave beforehand for scripts that contain a text, on one machine or on all. */
export const scriptAnswer = z.strictObject({
  vmId: z.string().optional(),
  contains: z.string().min(1),
  stdout: z.string().default(''),
  stderr: z.string().default(''),
  exitCode: z.number().int().min(0).max(255).default(0),
  seconds: z.number().min(0).default(0),
});
type ScriptAnswer = z.infer<typeof scriptAnswer>;

const stored = z.object({
  document: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(scriptAnswer),
});

export const scriptAnswers = ({ db }: Azure): ScriptAnswer[] =>
  db.rows(stored, 'SELECT document FROM commandAnswers ORDER BY sequence DESC').map(({ document }) => document);

export const addScriptAnswer = ({ db }: Azure, answer: ScriptAnswer): void => {
  db.run('INSERT INTO commandAnswers (document) VALUES (?)', JSON.stringify(answer));
};

export const clearScriptAnswers = ({ db }: Azure): void => {
  db.run('DELETE FROM commandAnswers');
};

const answerTo = (azure: Azure, vm: Resource, script: string): ScriptAnswer | undefined =>
  scriptAnswers(azure).find(
    ({ vmId, contains }) => script.includes(contains) && (vmId ?? vm.id).toLowerCase() === vm.id.toLowerCase(),
  );

/** An answer was given beforehand. */
export const isAnswered = (azure: Azure, vm: Resource, script: string): boolean =>
  answerTo(azure, vm, script) !== undefined;

/**
 * Runs a script as a machine of this Azure does: by the newest answer given for it, else line by line with the few
 * commands that a machine here knows. Anything else is not found, as in a shell; nothing is ever executed.
 */
export function runScript(
  azure: Azure,
  vm: Resource,
  script: string,
  environment: Readonly<Record<string, string>>,
): Outcome {
  const given = answerTo(azure, vm, script);
  if (given !== undefined) return given;
  let outcome: Outcome = { stdout: '', stderr: '', exitCode: 0, seconds: 0 };
  for (const [index, line] of script.split(/\r?\n|;/).entries()) {
    const words = wordsOf(line, environment);
    const [name = ''] = words;
    if (name === '' || name.startsWith('#')) continue;
    if (name === 'exit') return { ...outcome, exitCode: Number(words[1] ?? outcome.exitCode) & 255 };
    const done = command(azure, vm, words, index + 1, environment);
    outcome = {
      stdout: outcome.stdout + (done.stdout ?? ''),
      stderr: outcome.stderr + (done.stderr ?? ''),
      exitCode: done.exitCode ?? 0,
      seconds: outcome.seconds + (done.seconds ?? 0),
    };
  }
  return outcome;
}

/** Words of a simple command, quotes taken off and `$NAME` replaced except in single quotes. */
function wordsOf(line: string, environment: Readonly<Record<string, string>>): string[] {
  const filled = (text: string): string => text.replace(/\$\{?(\w+)\}?/g, (_, name: string) => environment[name] ?? '');
  return [...line.trim().matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, bare]) =>
    single === undefined ? filled(double ?? bare ?? '') : single,
  );
}

type Command = (
  azure: Azure,
  vm: Resource,
  rest: readonly string[],
  environment: Readonly<Record<string, string>>,
) => Partial<Outcome>;

const print = (text: string): Partial<Outcome> => ({ stdout: `${text}\n` });
const hostName: Command = (_, vm) =>
  print(vmProperties.parse(vm.document.properties).osProfile?.computerName ?? nameOf(vm.id));

/** The set-up of the collector asks questions, and a run command has no terminal to answer them at. */
const noTerminal: Command = () => ({ stderr: 'sudo: sorry, you must have a tty to run sudo\n', exitCode: 1 });

const commands: Readonly<Record<string, Command>> = {
  echo: (_, __, words) => print(words.join(' ')),
  true: () => ({}),
  false: () => ({ exitCode: 1 }),
  set: () => ({}),
  hostname: hostName,
  whoami: () => print('root'),
  id: () => print('uid=0(root) gid=0(root) groups=0(root)'),
  date: (azure) => print(new Date(azure.now()).toUTCString()),
  uname: () => print('Linux'),
  uptime: (azure, vm) =>
    print(`up ${Math.max(0, Math.floor((azure.now() - powerOf(azure, vm).startedAt) / 60_000))} minutes`),
  printenv: (_, __, [name = ''], environment) =>
    environment[name] === undefined ? { exitCode: 1 } : print(environment[name]),
  sleep: (_, __, [seconds = '0']) => ({ seconds: Number(seconds) || 0 }),
  systemctl: (_, __, [verb = '', ...units]) => service(verb, units.at(-1) ?? ''),
  '/opt/cloudknox/sentrysoftwareservice/bin/runAzureConfigCLI.sh': noTerminal,
};

/** The services that a machine here has; all of them run. */
function service(verb: string, unit: string): Partial<Outcome> {
  const name = unit.replace(/\.service$/, '');
  if (!['sshd', 'ssh', 'waagent', 'walinuxagent', 'sentrysoftwareservice'].includes(name))
    return { stderr: `Unit ${name}.service could not be found.\n`, exitCode: verb === 'is-active' ? 3 : 4 };
  if (verb === 'is-active') return print('active');
  if (verb === 'is-enabled') return print('enabled');
  return verb === 'status' ? print(`● ${name}.service\n     Active: active (running)`) : {};
}

function command(
  azure: Azure,
  vm: Resource,
  words: readonly string[],
  line: number,
  environment: Readonly<Record<string, string>>,
): Partial<Outcome> {
  const [name = '', ...rest] = words[0] === 'sudo' ? words.slice(1) : words;
  const known = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (known !== undefined) return known(azure, vm, rest, environment);
  return { stderr: `script.sh: line ${line}: ${name}: command not found\n`, exitCode: 127 };
}

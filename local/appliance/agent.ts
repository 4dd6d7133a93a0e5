/** Azure's agent in an appliance: runs the scripts of run commands, as root and without a terminal. */
import { z } from 'zod';
import type { Azure } from './azure';
import { type Machine, runSetup, setupScript, type Talker } from './setupScript';
import { runScript } from './shell/run';
import type { Store } from './store';
import { Interrupted } from './terminal';

const order = z.object({ vmId: z.string(), script: z.string(), environment: z.record(z.string(), z.string()) });

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Lines into the set-up script's input, each word a variable of the environment. */
const piped = new RegExp(`^printf '%s\\\\n' ((?:"\\$\\w+" )+)\\| ${setupScript.replaceAll('.', '\\.')}$`);

/** What the scripts contain that this machine runs itself: the set-up, and whatever asks by HTTP. */
export const agentRuns: readonly string[] = [setupScript, 'curl -s '];

/** Runs the set-up with its lines, or any other script by the machine's shell. */
export async function runForAzure(azure: Azure, store: Store, body: unknown): Promise<Ended> {
  const { vmId, script, environment } = order.parse(body);
  const [, words] = piped.exec(script.trim()) ?? [];
  const vm = await azure.vm(vmId);
  if (vm === undefined) throw new Error(`There is no VM ${vmId}.`);
  const machine = { azure, store, vm, address: vm.privateIp ?? '', extraPrompt: undefined, dropSeconds: 5 };
  return words === undefined ? inShell(script, machine) : setUp(words, environment, machine);
}

async function inShell(script: string, machine: Machine): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  const exitCode = await runScript(
    script,
    machine,
    (text) => (stdout += text),
    (text) => (stderr += text),
  );
  return { stdout, stderr, exitCode };
}

async function setUp(words: string, environment: Readonly<Record<string, string>>, machine: Machine): Promise<Ended> {
  const lines = [...words.matchAll(/\$(\w+)/g)].map(([, name = '']) => environment[name] ?? '');
  const input = new Input(lines);
  const exitCode = await runSetup(input, machine).catch((error: unknown) => {
    if (error instanceof Interrupted) return 1;
    throw error;
  });
  return { stdout: input.output, stderr: '', exitCode };
}

/** Lines that stand ready. Nothing is echoed, for nobody types; after the last one there is only the end of input. */
class Input implements Talker {
  output = '';
  readonly #lines: string[];

  constructor(lines: readonly string[]) {
    this.#lines = [...lines];
  }

  write(text: string): void {
    this.output += text;
  }

  async ask(prompt: string): Promise<string> {
    this.write(prompt);
    const line = this.#lines.shift();
    if (line === undefined) throw new Interrupted();
    return line;
  }

  async askSecret(prompt: string): Promise<string> {
    const line = await this.ask(prompt);
    this.write('\n');
    return line;
  }

  /** Whoever wrote the lines waits for the end. */
  insist(): void {
    return;
  }
}

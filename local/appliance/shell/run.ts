/** Runs a shell script on the appliance: what an administrator might type, or a program send. */
import type { Machine } from '../setupScript';
import { curl } from './curl';
import { type Command, parseScript, type Pipeline, type Word } from './parse';
import { echo, grep, printf, type Program, sed } from './programs';

const commandNotFound = 127;
const syntaxError = 2;

/** Runs it line by line, telling what it prints and complains of, and gives the status of the last. */
export async function runScript(
  script: string,
  machine: Machine,
  tell: (text: string) => void,
  complain = tell,
): Promise<number> {
  const shell = new Shell(machine, complain);
  let lines: readonly Pipeline[];
  try {
    lines = parseScript(script);
  } catch (error) {
    complain(`-bash: ${error instanceof Error ? error.message : String(error)}\n`);
    return syntaxError;
  }
  for (const line of lines) tell(await shell.run(line));
  return shell.status;
}

class Shell {
  /** Of the last pipeline. */
  status = 0;
  readonly #variables = new Map<string, string>();
  readonly #programs: Readonly<Record<string, Program>>;
  readonly #complain: (text: string) => void;

  constructor(machine: Machine, complain: (text: string) => void) {
    this.#programs = { echo, printf, grep, sed, curl: curl(machine) };
    this.#complain = complain;
  }

  /** What the last command of a pipeline prints. */
  async run(pipeline: Pipeline): Promise<string> {
    let passed = '';
    for (const command of pipeline) passed = await this.#command(command, passed);
    return passed;
  }

  async #command({ assigns, words }: Command, input: string): Promise<string> {
    const [name = '', ...parameters] = await this.#expand(words);
    if (assigns !== undefined) {
      this.#variables.set(assigns, name);
      // An assignment has the status of the command inside it, and none of its own.
      if (!words.flat().some((part) => 'output' in part)) this.status = 0;
      return '';
    }
    const program = this.#programs[name];
    if (program === undefined) {
      this.#complain(`-bash: ${name}: command not found\n`);
      this.status = commandNotFound;
      return '';
    }
    const { output, status } = await program(parameters, input);
    this.status = status;
    return output;
  }

  async #expand(words: readonly Word[]): Promise<readonly string[]> {
    const texts: string[] = [];
    for (const word of words) {
      let text = '';
      for (const part of word) {
        if ('text' in part) text += part.text;
        else if ('variable' in part) text += part.variable === '?' ? this.status : this.#value(part.variable);
        else if ('lengthOf' in part) text += this.#value(part.lengthOf).length;
        else text += (await this.run(part.output)).replace(/\n+$/, '');
      }
      texts.push(text);
    }
    return texts;
  }

  #value(name: string): string {
    return this.#variables.get(name) ?? '';
  }
}

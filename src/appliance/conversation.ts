/**
 * One run of a set-up script, as text: what it said, what we answered, and what that means. No I/O and no timers.
 */
import { stripVTControlCharacters } from 'node:util';
import type { AnswerKey, Script } from '../domain/profile';
import type { Answers, ScriptRun } from './port';

/** How a script's run ended, before the connection's facts are added. `cut`: the stream closed with the script running. */
export type Verdict =
  | { readonly kind: 'configured' }
  | { readonly kind: 'wrongPin' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'unknownPrompt'; readonly prompt: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** What the script waits for: an answer, or an end of it all because nobody can give one. */
export type Reply = { readonly send: string } | { readonly end: Verdict };

export const constants: Answers = { yes: 'Y', no: 'N' };
const alwaysSecret: readonly AnswerKey[] = ['pin', 'clientSecret'];
const rejectionsAllowed = 3;
/** Far more than any script says; keeps a script that never stops talking from filling the memory. */
const longestOutput = 256 * 1024;
const longestTranscript = 8 * 1024;
const blot = '•••';

const plain = (text: string): string => stripVTControlCharacters(text).replaceAll('\r', '');

export class Conversation {
  readonly #prompts: readonly { match: RegExp; answer: AnswerKey; onRepeat: 'retry' | 'stop' }[];
  readonly #endings: readonly { match: RegExp; means: Script['endings'][number]['means'] }[];
  readonly #answers: Answers;
  readonly #secrets: readonly string[];
  /** How often each prompt was answered, by its place in the script's list. */
  readonly #answered = new Map<number, number>();
  /** All output, and its part since our last answer: a prompt that was answered must not be taken for a new one. */
  #output = '';
  #sinceAnswer = '';

  /** Our own keys never belong in the output; they are blotted out all the same. */
  constructor(script: Script, answers: Answers, privateKeys: readonly string[]) {
    this.#prompts = script.prompts.map((prompt) => ({ ...prompt, match: new RegExp(prompt.match, 'i') }));
    this.#endings = script.endings.map(({ match, means }) => ({ match: new RegExp(match, 'i'), means }));
    this.#answers = { ...constants, ...answers };
    const secretKeys = [...alwaysSecret, ...script.prompts.flatMap(({ answer, secret }) => (secret ? [answer] : []))];
    this.#secrets = [
      ...privateKeys.flatMap((key) => key.split(/\r?\n/)).filter((line) => line.length >= 16),
      ...new Set(secretKeys.flatMap((key) => answers[key] ?? [])),
    ]
      .filter((secret) => secret !== '')
      .sort((a, b) => b.length - a.length);
  }

  hear(chunk: string): void {
    this.#output = (this.#output + chunk).slice(-longestOutput);
    this.#sinceAnswer = (this.#sinceAnswer + chunk).slice(-longestOutput);
  }

  /** The answer to the prompt at the end of the output; undefined when no known prompt stands there. */
  reply(): Reply | undefined {
    const line = this.#lastLine();
    const index = line.trim() === '' ? -1 : this.#prompts.findIndex(({ match }) => match.test(line));
    const prompt = this.#prompts[index];
    if (prompt === undefined) return undefined;
    const answer = this.#answers[prompt.answer];
    if (answer === undefined) return { end: this.#unknown(line) };
    const times = this.#answered.get(index) ?? 0;
    if (times > (prompt.onRepeat === 'stop' ? 0 : rejectionsAllowed)) {
      return {
        end: this.#ending() ?? {
          kind: 'failed',
          reason: `the script asks again${times > 1 ? ' and again' : ''}: ${this.blotted(line)}`,
        },
      };
    }
    this.#answered.set(index, times + 1);
    this.#sinceAnswer = '';
    return { send: `${answer}\n` };
  }

  /**
   * What it means that the script has been silent for long: an unknown prompt, or undefined when it seems to work.
   * A line that ends in "..." announces work, and an empty one asks for nothing.
   */
  silence(): Verdict | undefined {
    const line = this.#lastLine();
    return line.trim() === '' || /(\.\.\.|…)\s*$/.test(line) ? undefined : this.#unknown(line);
  }

  /** What the run came to, now that it is over. `exit` is the exit status; undefined when none was heard. */
  over(exit: number | string | undefined): Verdict {
    const ending = this.#ending();
    if (ending !== undefined) return ending;
    if (exit === undefined) return { kind: 'cut' };
    return { kind: 'failed', reason: `the script ended with ${exit} and did not say how it went` };
  }

  /** The output without secrets, at most 8 KB of UTF-8, its end kept. */
  transcript(): string {
    const bytes = Buffer.from(this.blotted(plain(this.#output)));
    if (bytes.length <= longestTranscript) return bytes.toString();
    // The cut may fall inside a character, whose rest decodes to replacement characters.
    return bytes.subarray(-longestTranscript).toString().replace(/^�+/, '');
  }

  blotted(text: string): string {
    return this.#secrets.reduce((rest, secret) => rest.replaceAll(secret, blot), text);
  }

  #lastLine(): string {
    return plain(this.#sinceAnswer).split('\n').at(-1) ?? '';
  }

  #unknown(line: string): Verdict {
    return { kind: 'unknownPrompt', prompt: this.blotted(line.trim()) };
  }

  #ending(): Verdict | undefined {
    const output = plain(this.#output);
    for (const { match, means } of this.#endings) {
      const found = match.exec(output);
      if (found && means !== 'failed') return { kind: means };
      if (found) return { kind: 'failed', reason: this.blotted(lineAround(output, found.index)) };
    }
    return undefined;
  }
}

/** The line of `text` that holds `index`: a failure's own words say more than the pattern that found it. */
function lineAround(text: string, index: number): string {
  const start = text.lastIndexOf('\n', index) + 1;
  const end = text.indexOf('\n', index);
  return text.slice(start, end === -1 ? undefined : end).trim();
}

/** What a verdict makes of the run, as the port tells it. */
export const runOf = (verdict: Exclude<Verdict, { kind: 'cut' }>, conversation: Conversation): ScriptRun => ({
  ...verdict,
  transcript: conversation.transcript(),
});

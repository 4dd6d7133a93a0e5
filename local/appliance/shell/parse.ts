/** A small part of the shell's grammar: lines of pipelines, quoting, variables, `$(…)` as a word of its own. */

/** What a word is made of. */
type Part =
  | { readonly text: string }
  | { readonly variable: string }
  | { readonly lengthOf: string }
  | { readonly output: Pipeline };
export type Word = readonly Part[];
export interface Command {
  /** `name=word` and nothing else. */
  readonly assigns?: string;
  readonly words: readonly Word[];
}
export type Pipeline = readonly Command[];

class SyntaxProblem extends Error {}

/** Reads a script. Throws where it is not within this grammar. */
export function parseScript(text: string): readonly Pipeline[] {
  const reader = new Reader(text);
  const lines: Pipeline[] = [];
  while (!reader.done()) {
    const pipeline = reader.pipeline();
    if (pipeline.length > 0) lines.push(pipeline);
    if (!reader.done() && !reader.take('\n')) throw new SyntaxProblem('syntax error: unexpected token');
  }
  return lines;
}

class Reader {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  done(): boolean {
    return this.#at >= this.#text.length;
  }

  take(wanted: string): boolean {
    if (!this.#text.startsWith(wanted, this.#at)) return false;
    this.#at += wanted.length;
    return true;
  }

  pipeline(): Pipeline {
    const commands: Command[] = [];
    do {
      const command = this.#command();
      if (command.words.length > 0) commands.push(command);
    } while (this.take('|'));
    return commands;
  }

  #command(): Command {
    const words: Word[] = [];
    this.#match(/[ \t]*/y);
    const assigns = this.#match(/[A-Za-z_]\w*(?==)/y);
    if (assigns !== undefined) this.take('=');
    while (!this.#isAtEndOfCommand()) {
      words.push(this.#word());
      this.#match(/[ \t]*/y);
    }
    if (assigns === undefined) return { words };
    return { assigns, words: words.length === 0 ? [[{ text: '' }]] : words };
  }

  #isAtEndOfCommand(): boolean {
    return this.done() || /[\n|)]/.test(this.#text[this.#at] ?? '');
  }

  #word(): Word {
    const parts: Part[] = [];
    for (;;) {
      const plain = this.#match(/[^\s'"$|()\\;&<>`]+/y);
      if (plain !== undefined) parts.push({ text: plain });
      else if (this.take("'")) parts.push({ text: this.#until(/[^']*/y, "'") });
      else if (this.take('"')) parts.push(...this.#doubleQuoted());
      else if (this.take('\\')) parts.push({ text: this.#match(/[^\n]/y) ?? '' });
      else if (this.#text[this.#at] === '$') parts.push(this.#expansion());
      else break;
    }
    if (parts.length === 0) throw new SyntaxProblem(`syntax error near '${this.#text[this.#at] ?? ''}'`);
    return parts;
  }

  #doubleQuoted(): Part[] {
    const parts: Part[] = [{ text: '' }];
    while (!this.take('"')) {
      const plain = this.#match(/[^"$\\`]+/y);
      if (plain !== undefined) parts.push({ text: plain });
      else if (this.#text[this.#at] === '$') parts.push(this.#expansion());
      else if (this.take('\\')) parts.push({ text: this.#match(/["$\\`]/y) ?? '\\' });
      else throw new SyntaxProblem('unexpected end of a quoted text');
    }
    return parts;
  }

  #expansion(): Part {
    if (this.take('$(')) {
      const output = this.pipeline();
      if (!this.take(')')) throw new SyntaxProblem("syntax error: ')' is missing");
      return { output };
    }
    const length = this.#match(/\$\{#\w+\}/y);
    if (length !== undefined) return { lengthOf: length.slice(3, -1) };
    const variable = this.#match(/\$(\?|[A-Za-z_]\w*)/y);
    if (variable !== undefined) return { variable: variable.slice(1) };
    this.take('$');
    return { text: '$' };
  }

  #until(body: RegExp, end: string): string {
    const text = this.#match(body) ?? '';
    if (!this.take(end)) throw new SyntaxProblem(`unexpected end while looking for ${end}`);
    return text;
  }

  /** Takes what a sticky pattern matches here; undefined where that is nothing. */
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (!found) return undefined;
    this.#at += found.length;
    return found;
  }
}

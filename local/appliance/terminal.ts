/** The appliance's end of an SSH channel, with what a Linux terminal does to lines: echo, erase, interrupt. */
import { StringDecoder } from 'node:string_decoder';
import type { ServerChannel } from 'ssh2';

/** The reader is gone: Ctrl-C, end of input, or a session that was cut. The program ends where it stands. */
export class Interrupted extends Error {}

const erase = '\u007f';
const interrupts = ['\u0003', '\u0004'];
const interruptedStatus = 130;

export class Terminal {
  readonly #channel: ServerChannel;
  /** Typed ahead, and not read yet. */
  readonly #lines: string[] = [];
  #line = '';
  #echo: boolean;
  #gone = false;
  #reader: { readonly read: (line: string) => void; readonly stop: (reason: Interrupted) => void } | undefined;

  /** Without a pseudo-terminal nothing is echoed, and lines end as the program writes them. */
  constructor(
    channel: ServerChannel,
    readonly hasPty: boolean,
  ) {
    this.#channel = channel;
    this.#echo = hasPty;
    const decoder = new StringDecoder('utf8');
    channel.on('data', (chunk: Buffer) => {
      for (const character of decoder.write(chunk)) this.#type(character);
    });
    channel.on('error', () => undefined).on('close', () => this.#interrupt());
  }

  write(text: string): void {
    if (!this.#gone) this.#channel.write(this.hasPty ? text.replaceAll('\n', '\r\n') : text);
  }

  /** One line of input, without its end. Throws `Interrupted`. */
  async ask(prompt: string): Promise<string> {
    this.write(prompt);
    this.insist();
    const ahead = this.#lines.shift();
    return ahead ?? new Promise((read, stop) => (this.#reader = { read, stop }));
  }

  /** As `ask`, and what is typed is not shown. */
  async askSecret(prompt: string): Promise<string> {
    this.#echo = false;
    try {
      return await this.ask(prompt);
    } finally {
      this.#echo = this.hasPty;
      this.write('\n');
    }
  }

  /** Throws `Interrupted` when the reader is gone: nothing may be decided any more. */
  insist(): void {
    if (this.#gone) throw new Interrupted();
  }

  /** Ends the session with the program's exit status. */
  exit(status: number): void {
    if (this.#gone) return;
    this.#channel.exit(status);
    this.#channel.end();
  }

  #type(character: string): void {
    if (interrupts.includes(character)) {
      this.exit(interruptedStatus);
      return this.#interrupt();
    }
    if (character === '\r' || character === '\n') return this.#enter();
    if (character === erase) {
      if (this.#line !== '' && this.#echo) this.write('\b \b');
      this.#line = this.#line.slice(0, -1);
      return;
    }
    if (this.#echo) this.write(character);
    this.#line += character;
  }

  #enter(): void {
    if (this.#echo) this.write('\n');
    const line = this.#line;
    this.#line = '';
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader) reader.read(line);
    else this.#lines.push(line);
  }

  #interrupt(): void {
    this.#gone = true;
    this.#reader?.stop(new Interrupted());
    this.#reader = undefined;
  }
}

/** The processes of a world: started, watched and ended together. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pause } from './ports';

export const parts = ['azure', 'appliance', 'host'] as const;
export type Part = (typeof parts)[number];

const READY_MS = 60_000;
const GRACE_MS = 5_000;
/** The folder of host.json. The programs are run compiled, whichever way this file itself is. */
export const appFolder = join(__dirname, ...(basename(dirname(__dirname)) === 'dist' ? ['..', '..'] : ['..']));
const compiled = (...path: string[]): string => join(appFolder, 'dist', 'local', ...path);

/** Room for the young: with Node's default a fifth of the host's time goes into collecting what lived for one turn. */
const HOST_HEAP = ['--min-semi-space-size=64', '--max-semi-space-size=64'];

/** The processes, each with its log. */
export class Family {
  private readonly members = new Map<Part, ChildProcess>();
  private readonly dismissed = new Set<ChildProcess>();
  private readonly readied = new Set<Part>();
  readonly broken: Promise<string>;
  private breakWith: (why: string) => void = () => undefined;

  constructor(
    private readonly state: string,
    private readonly clockFile: string,
  ) {
    this.broken = new Promise((resolve) => (this.breakWith = resolve));
  }

  start(part: Part, parameters: readonly string[], environment: Readonly<Record<string, string>> = {}): void {
    const preloads = ['-r', compiled('clock.js'), '-r', compiled('endWithParent.js')];
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        ...(part === 'host' ? HOST_HEAP : []),
        ...preloads,
        compiled(part, 'main.js'),
        ...parameters,
      ],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        // A group of its own: Ctrl-C reaches the launcher alone, which then ends them in order.
        detached: true,
        env: { ...process.env, ...environment, SIMULATED_CLOCK: this.clockFile },
      },
    );
    const log = createWriteStream(this.logFile(part), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('exit', (code, signal) => {
      log.end();
      if (this.members.get(part) === child) this.members.delete(part);
      // One that never answered is told of by whoever waits for it.
      if (!this.dismissed.has(child) && this.readied.has(part))
        this.breakWith(`The ${part} process ended (${signal ?? `exit code ${String(code)}`}). ${this.tail(part)}`);
    });
    this.readied.delete(part);
    this.members.set(part, child);
  }

  /** Asks until it answers; fails early when the process has ended. */
  async ready(part: Part, probe: () => Promise<unknown>): Promise<void> {
    const deadline = Date.now() + READY_MS;
    for (;;) {
      const answered = await probe().then(
        () => true,
        () => false,
      );
      if (answered) return void this.readied.add(part);
      if (!this.members.has(part)) throw new Error(`The ${part} process did not start. ${this.tail(part)}`);
      if (Date.now() > deadline) throw new Error(`The ${part} process gives no answer. ${this.tail(part)}`);
      await pause(50);
    }
  }

  async kill(some: readonly Part[]): Promise<void> {
    await Promise.all(some.map((part) => this.end(part, 'SIGKILL')));
  }

  /** Ends a part in order, so that it can be started again. */
  dismiss(part: Part): Promise<void> {
    return this.end(part, 'SIGTERM');
  }

  /** The host first: it finishes what it has in hand while Azure still answers. */
  async stop(): Promise<void> {
    for (const part of parts.toReversed()) await this.end(part, 'SIGTERM');
  }

  private async end(part: Part, signal: NodeJS.Signals): Promise<void> {
    const child = this.members.get(part);
    if (!child) return;
    this.dismissed.add(child);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const impatience = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await ended;
    clearTimeout(impatience);
  }

  private logFile(part: Part): string {
    return join(this.state, 'logs', `${part}.log`);
  }

  private tail(part: Part): string {
    const file = this.logFile(part);
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5) : [];
    return `Its log, ${file}, ends with:\n${lines.join('\n')}`;
  }
}

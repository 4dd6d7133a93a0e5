/** The port: what the activities need of an appliance. `ssh.ts` implements it. */
import type { AnswerKey, Script, Unattended } from '../domain/profile';

export interface Session {
  readonly address: string;
  readonly port: number;
  readonly username: string;
  /** OpenSSH or PEM texts, tried in this order. Never logged. */
  readonly privateKeys: readonly string[];
  /** SHA-256 fingerprint seen at first contact; another one is refused. Absent on first contact. */
  readonly hostKey?: string | undefined;
}

/** What the script asks for, by name. A missing answer is a prompt that nobody can answer. */
export type Answers = Readonly<Partial<Record<AnswerKey, string>>>;

/** Nobody answered at the address, or the session was cut off: worth another try. */
export interface Unreachable {
  readonly kind: 'unreachable';
  readonly reason: string;
}
/** Our keys were refused, or the host key is not the pinned one: not worth another try. */
export interface Refused {
  readonly kind: 'refused';
  readonly why: 'key' | 'hostKey';
  readonly reason: string;
}

/** What a run of the script came to. `transcript` has every secret answer blotted out. */
export type ScriptRun =
  | { readonly kind: 'configured'; readonly transcript: string }
  | { readonly kind: 'wrongPin'; readonly transcript: string }
  | { readonly kind: 'unknownPrompt'; readonly prompt: string; readonly transcript: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly transcript: string };

/** How a dialogue ended. */
export type Dialogue = (ScriptRun & { readonly hostKey: string }) | Unreachable | Refused;

/** How a command ended, who was met, and which of the session's keys was let in, by its place. */
export type Ran =
  | {
      readonly kind: 'ran';
      readonly status: number | string;
      readonly output: string;
      readonly hostKey: string;
      readonly key: number;
    }
  | Unreachable
  | Refused;

export interface Appliance {
  /** Runs the set-up script and answers each prompt. Safe to run again: the script then starts anew. */
  configure(session: Session, script: Script, answers: Answers): Promise<Dialogue>;
  /** Runs one command without a terminal, in the user's home. `output` is what it wrote to stdout. */
  run(session: Session, command: string): Promise<Ran>;
}

/** How a run without a terminal ended. */
export interface ScriptEnd {
  readonly exitCode: number;
  readonly output: string;
  readonly error: string;
}

/** The set-up script with nobody at a terminal. */
export interface UnattendedScript {
  /** A command for a shell, and the variables that it reads its answers from. `again`: the appliance was set up before. */
  begin(
    unattended: Unattended,
    answers: Answers,
    again: boolean,
  ): { readonly text: string; readonly environment: Readonly<Record<string, string>> };
  /** Whether it asked as of one that was set up before; undefined where that cannot be told. */
  askedAgain(unattended: Unattended, end: ScriptEnd): boolean | undefined;
  end(script: Script, answers: Answers, end: ScriptEnd): ScriptRun;
}

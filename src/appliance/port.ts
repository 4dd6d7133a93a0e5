/** The port: what the activities need of an appliance. `ssh.ts` implements it. */
import type { AnswerKey, Script } from '../domain/profile';

export interface Session {
  readonly address: string;
  readonly port: number;
  readonly username: string;
  /** OpenSSH or PEM text. Never logged. */
  readonly privateKey: string;
  /** SHA-256 fingerprint seen at first contact; another one is refused. Absent on first contact. */
  readonly hostKey?: string | undefined;
}

/** What the script asks for, by name. A missing answer is a prompt that nobody can answer. */
export type Answers = Readonly<Partial<Record<AnswerKey, string>>>;

/** How a dialogue ended. `transcript` has every secret answer blotted out. */
export type Dialogue =
  | { readonly kind: 'configured'; readonly transcript: string; readonly hostKey: string }
  | { readonly kind: 'wrongPin'; readonly transcript: string; readonly hostKey: string }
  | { readonly kind: 'unknownPrompt'; readonly prompt: string; readonly transcript: string; readonly hostKey: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly transcript: string; readonly hostKey: string }
  /** Nobody answered at the address, or the session was cut off: worth another try. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** Our key was refused, or the host key is not the pinned one: not worth another try. */
  | { readonly kind: 'refused'; readonly reason: string };

/** How a script of ours went. `status` is the exit status, or the signal that ended it. */
export type Ran =
  | { readonly kind: 'ran'; readonly status: number | string; readonly output: string }
  | Extract<Dialogue, { kind: 'unreachable' | 'refused' }>;

export interface Appliance {
  /** Runs the set-up script and answers each prompt. Safe to run again: the script then starts anew. */
  configure(session: Session, script: Script, answers: Answers): Promise<Dialogue>;
  /** Runs a shell script of ours, without a terminal, and gives what it printed. It must be safe to run twice. */
  run(session: Session, script: string): Promise<Ran>;
}

/** The set-up script with nobody at a terminal: its answers stand ready on its input, and its end is read once it is over. */
import type { AnswerKey } from '../domain/profile';
import { constants, Conversation, runOf } from './conversation';
import type { ScriptEnd, UnattendedScript } from './port';

/** Azure keeps the end of each stream. */
const KEPT_BYTES = 4_096;

export const unattendedScript: UnattendedScript = {
  /** The answers are variables of the environment, so that none of them is in the text. */
  begin: (unattended, given, again) => {
    const answers: typeof given = { ...constants, ...given };
    const keys: readonly AnswerKey[] = [...(again ? (unattended.again?.answers ?? []) : []), ...unattended.answers];
    const variables = keys.flatMap((key) => {
      const answer = answers[key];
      return answer === undefined ? [] : [[`ANSWER_${key.toUpperCase()}`, answer] as const];
    });
    const words = variables.map(([name]) => `"$${name}"`).join(' ');
    return {
      text: `printf '%s\\n' ${words} | ${unattended.command}`,
      environment: Object.fromEntries(variables),
    };
  },
  /** Where the beginning was cut off and the rest does not show it, nobody knows any more what was asked first. */
  askedAgain: ({ again }, { output }) => {
    if (!again) return undefined;
    const isShown = new RegExp(again.match, 'i').test(output);
    return isShown || !isCut(output) ? isShown : undefined;
  },
  end: (script, answers, end) => {
    const conversation = new Conversation(script, answers, []);
    for (const text of [end.output, end.error]) conversation.hear(wholeWords(text));
    return runOf(verdictOf(conversation, end), conversation);
  },
};

/** What it says of itself does not stand against its exit code. */
function verdictOf(conversation: Conversation, { exitCode }: ScriptEnd): Parameters<typeof runOf>[0] {
  const verdict = conversation.over(exitCode);
  if (verdict.kind === 'cut' || (verdict.kind === 'configured' && exitCode !== 0))
    return { kind: 'failed', reason: `the script said that it was done and ended with ${exitCode}` };
  return verdict;
}

const isCut = (text: string): boolean => Buffer.byteLength(text) >= KEPT_BYTES;
/** Half a word may be half of a secret, which nobody would know for one: it goes. No secret has a space in it. */
const wholeWords = (text: string): string => (isCut(text) ? text.replace(/^\S*\s?/, '') : text);

/** Where a person who runs the set-up script finds each answer: its value where it is none's secret, else its place. Pure. */
import type { AnswerKey, Script } from './profile';

interface Known {
  readonly script: Script;
  readonly clientSecretUri?: string | undefined;
  readonly answers: Readonly<Partial<Record<AnswerKey, string>>>;
}

/** One row for each prompt that may come, in the profile's order. */
export function answerSources({
  script,
  clientSecretUri,
  answers,
}: Known): readonly { readonly prompt: string; readonly from: string }[] {
  const known: Partial<Record<AnswerKey, string>> = {
    email: 'the console shows it',
    pin: 'the console shows it; it is good for an hour',
    yes: 'Y',
    no: 'N',
    ...(clientSecretUri === undefined
      ? {}
      : {
          clientSecret: `Key Vault: \`az keyvault secret show --id ${clientSecretUri} --query value --output tsv\``,
        }),
    ...answers,
  };
  return script.prompts.flatMap(({ label, answer }) => {
    const from = known[answer];
    return from === undefined ? [] : [{ prompt: label, from }];
  });
}

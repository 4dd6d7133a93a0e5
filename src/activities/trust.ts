import { AzureError } from '../azure/ports';

interface Trust {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

/**
 * What of a federated credential is as wanted; the rest is left out, so that it counts as a difference. Entra compares
 * issuer, subject and audience with regard to case (azure-docs, "breaking changes", August 2024), unlike Azure's ids.
 */
export const sameTrust = (shown: Trust, wanted: Trust): Partial<Trust> => ({
  ...(shown.issuer === wanted.issuer ? { issuer: wanted.issuer } : {}),
  ...(shown.subject === wanted.subject ? { subject: wanted.subject } : {}),
  ...(shown.audiences.join('\n') === wanted.audiences.join('\n') ? { audiences: wanted.audiences } : {}),
});

/** What whoever signs in has to present: not a secret. */
export const trustOutputs = ({ issuer, subject, audiences }: Trust): Readonly<Record<string, string>> => ({
  issuer,
  subject,
  audience: audiences.join(' '),
});

const TAKEN = /issuer and subject/i;

/**
 * A write's refusal in our own words where another credential of the same identity trusts the same issuer and subject.
 * `patienceSeconds`: as long as it may be our own from a write whose answer was lost.
 */
export async function toldOfTaken<T>(
  holder: string,
  list: string,
  patienceSeconds: number,
  write: Promise<T>,
): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (!(error instanceof AzureError && TAKEN.test(error.outcome.reason))) throw error;
    const about = {
      code: 'FederationTaken',
      reason: `Another federated credential of ${holder} has this issuer and subject`,
      remedy: `Remove it, or ask for another subject. ${list} lists them. Then send the same request again.`,
    };
    const outcome =
      patienceSeconds > 0
        ? ({ kind: 'later', patienceSeconds, ...about } as const)
        : ({ kind: 'refused', ...about } as const);
    throw new AzureError(outcome, error.status, { cause: error });
  }
}

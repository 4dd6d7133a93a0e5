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

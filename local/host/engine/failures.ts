/**
 * Structured failures (contract 4.3). Where the app has set an exception properties provider, the library puts them as
 * JSON in the place of an activity's error message; in history they are an object in .NET's casing.
 */
import { z } from 'zod';

/** As it stands in history, and as a failing orchestrator hands it on. */
export interface FailureDetails {
  readonly ErrorType: string;
  readonly ErrorMessage: string;
  readonly StackTrace: string | null;
  readonly InnerFailure: FailureDetails | null;
  readonly IsNonRetriable: boolean;
  readonly Properties: Readonly<Record<string, unknown>> | null;
}

const orNull = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? null);
const properties = orNull(z.record(z.string(), z.unknown()));

export const failureDetailsSchema: z.ZodType<FailureDetails> = z.object({
  ErrorType: z.string(),
  ErrorMessage: z.string(),
  StackTrace: orNull(z.string()),
  get InnerFailure(): z.ZodType<FailureDetails | null> {
    return orNull(failureDetailsSchema);
  },
  IsNonRetriable: z.boolean().default(false),
  Properties: properties,
});

const thrownSchema: z.ZodType<FailureDetails> = z
  .object({
    errorType: z.string(),
    errorMessage: z.string(),
    stackTrace: orNull(z.string()),
    get innerFailure(): z.ZodType<FailureDetails | null> {
      return orNull(thrownSchema);
    },
    // Always there: without it, an app's own JSON would be taken for the library's.
    isNonRetriable: z.boolean(),
    properties,
  })
  .transform((thrown) => ({
    ErrorType: thrown.errorType,
    ErrorMessage: thrown.errorMessage,
    StackTrace: thrown.stackTrace,
    InnerFailure: thrown.innerFailure,
    IsNonRetriable: thrown.isNonRetriable,
    Properties: thrown.properties,
  }));

/** What the library wrote into an error's message, or null for an ordinary message. */
export function structuredFailure(message: string): FailureDetails | null {
  if (!message.startsWith('{')) return null;
  try {
    return thrownSchema.safeParse(JSON.parse(message)).data ?? null;
  } catch {
    return null;
  }
}

/** As .NET writes it where one line is wanted. */
export const describeFailure = ({ ErrorType, ErrorMessage }: FailureDetails): string => `${ErrorType}: ${ErrorMessage}`;

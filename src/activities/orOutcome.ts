import { AzureError } from '../azure/ports';
import type { Later, Refused } from '../domain/outcome';

/** What the work came to, or what Azure said instead. A crash of ours stays one: its activity is tried again. */
export const orOutcome = async <T>(work: () => Promise<T>): Promise<T | Later | Refused> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AzureError) return error.outcome;
    throw error;
  }
};

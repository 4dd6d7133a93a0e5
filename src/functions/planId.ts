/** What a plan is called: the same for the same input in the same world, another for anything else. */
import { deedsOf } from '../domain/plan/approval';
import type { Plan } from '../domain/plan/plan';
import { etagOf } from './etag';

/** The first half is the request's, with the profile and settings that it is carried out with. */
export const planIdOf = (input: unknown, plan: Plan): string => `${etagOf(input)}-${etagOf(deedsOf(plan))}`;
export const isPlanOf = (planId: string, input: unknown): boolean => planId.startsWith(`${etagOf(input)}-`);

import type { OrchestrationContext } from 'durable-functions';
import { activities, type ApprovalAnswer } from '../activities/contracts';
import type { Plan } from '../domain/plan/plan';
import { call, type Story } from './call';
import type { ApprovedInput } from './inputs';
import { makePlan } from './plan';

export interface Approved {
  readonly answer: ApprovalAnswer;
  readonly plan: Plan;
}

/**
 * Starts a deployment if it would do what was approved, and nothing else. However long the reading takes, whoever
 * asked need not stay: the check and the start are one story.
 */
export function* approved(context: OrchestrationContext): Story<Approved> {
  const { planId, input } = context.df.getInput<ApprovedInput>();
  const plan = yield* makePlan(context, input);
  const { name } = input.request;
  return { plan, answer: yield* call(context, activities.startApproved, { name, planId, input, plan }) };
}

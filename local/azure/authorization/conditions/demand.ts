import { badRequest } from '../../http/errors';
import { notSimulated } from '../../http/notSimulated';
import { type Condition, ConditionNotSimulated, ConditionSyntaxError, parseCondition } from './parse';

const SIMULATED =
  "ActionMatches and the attributes RoleDefinitionId, PrincipalId and PrincipalType of @Request or @Resource[Microsoft.Authorization/roleAssignments:…], with Guid(Not)Equals and String(Not)Equals(IgnoreCase), joined with AND, OR, '!' and brackets.";

/** Refuses what is no condition as Azure does, and what this Azure cannot decide in words: it is never ignored. */
export function demandCondition(condition: string | null, version: string | null): void {
  if (condition === null) return;
  try {
    if (version !== '2.0') throw new ConditionSyntaxError(version ?? '');
    parseCondition(condition);
  } catch (error) {
    if (error instanceof ConditionNotSimulated) {
      throw notSimulated(`${error.message} in a role assignment condition`, SIMULATED);
    }
    if (!(error instanceof ConditionSyntaxError)) throw error;
    throw badRequest('InvalidRoleAssignmentCondition', 'The given role assignment condition is invalid.');
  }
}

const parsed = new Map<string, Condition>();

/** A condition that was accepted when it was written. */
export function conditionOf(text: string): Condition {
  const known = parsed.get(text) ?? parseCondition(text);
  parsed.set(text, known);
  return known;
}

/** What the user can mend in the command, the tenant file or the state folder: shown in one line, without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

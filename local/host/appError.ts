/** What the user can mend in the app, its folder, its settings or the command: shown in one line, without a stack. */
export class AppError extends Error {
  override readonly name = 'AppError';
}

export interface Demanded {
  readonly action: string;
  readonly scope: string;
}

/** Far more than one deployment needs; what comes after is not noted. */
const MOST = 200_000;

/** Which permissions each principal had need of since this process began, linked ones too, whether it held them or not. */
export class DemandRecord {
  private readonly noted = new Map<string, Demanded & { readonly principalId: string }>();

  note(principalId: string, action: string, scope: string): void {
    const key = `${principalId} ${action} ${scope}`.toLowerCase();
    if (this.noted.size < MOST && !this.noted.has(key)) this.noted.set(key, { principalId, action, scope });
  }

  forget(): void {
    this.noted.clear();
  }

  of(principalId: string): Demanded[] {
    return [...this.noted.values()]
      .filter((one) => one.principalId === principalId)
      .map(({ action, scope }) => ({ action, scope }));
  }
}

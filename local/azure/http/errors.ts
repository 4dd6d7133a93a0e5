/** What a refusal carries besides its code and message. */
interface Extra {
  readonly headers?: Readonly<Record<string, string>>;
  /** More members of the error object: `details`, `target`, `innererror`. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Microsoft.Compute's own throttling answers have no `error` wrapper (azure-facts §1c). */
  readonly bare?: boolean;
}

/** A refusal as Azure words it. Handlers throw it; the dispatcher turns it into the answer. */
export class AzureError extends Error {
  override readonly name = 'AzureError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly extra: Extra = {},
  ) {
    super(message);
  }

  /** The body that Azure Resource Manager and Key Vault send. */
  get body(): Record<string, unknown> {
    const error = { code: this.code, message: this.message, ...this.extra.members };
    return this.extra.bare === true ? error : { error };
  }
}

/** 404 in the words of Azure Resource Manager. */
export const resourceNotFound = (type: string, name: string, resourceGroup: string): AzureError =>
  new AzureError(
    404,
    'ResourceNotFound',
    `The Resource '${type}/${name}' under resource group '${resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );

export const badRequest = (code: string, message: string, target?: string): AzureError =>
  new AzureError(400, code, message, target === undefined ? {} : { members: { target, details: [] } });

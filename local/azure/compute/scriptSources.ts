/** Where a run command as a resource has its script from: its text, one of Azure's own, or a download. */
import { z } from 'zod';
import { type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { notSimulated } from '../http/notSimulated';
import { readBySignature } from '../storage/signedRead';
import { type Resource } from '../store/resources';
import { type Outcome, runScript, scriptAnswers } from './scripts';

export const source = z.looseObject({
  script: z.string().optional(),
  scriptUri: z.string().optional(),
  commandId: z.string().optional(),
  scriptUriManagedIdentity: z.unknown().optional(),
});

/** Scripts that Azure has itself. */
const builtIn: Readonly<Record<string, string>> = { ifconfig: 'ifconfig' };

export const builtInScript = (commandId: string): string | undefined => builtIn[commandId];

/** What the extension on the machine says and exits with when it cannot get the script (its own source says so). */
const DOWNLOAD_FAILED = -100;
const downloadText = (uri: string): string =>
  `File downloads failed. Use either a public script URI that points to .sh file, Azure storage blob SAS URI or storage blob accessible by a managed identity and retry. If managed identity is used, make sure it has been given access to container of storage blob '${uri}' with 'Storage Blob Data Reader' role assignment. In case of user-assigned identity, make sure you add it under VM's identity. For more info, refer https://aka.ms/RunCommandManagedLinux`;

export interface Ran extends Outcome {
  /** Why the script never began. */
  readonly problem?: string;
}

/** Runs what the source names; what is not one source is refused. */
export function runSource(
  azure: Azure,
  vm: Resource,
  { script, scriptUri, commandId, scriptUriManagedIdentity }: z.infer<typeof source>,
  environment: Readonly<Record<string, string>>,
): Ran {
  const given = [script, scriptUri, commandId].filter((one) => one !== undefined);
  if (given.length === 0) throw badRequest('InvalidParameter', "Required parameter 'source' is missing (null).", 'source'); // prettier-ignore
  if (given.length > 1)
    throw badRequest('InvalidParameter', "Only one of 'script', 'scriptUri' and 'commandId' can be given in 'source'.", 'source'); // prettier-ignore
  if (scriptUriManagedIdentity !== undefined)
    throw notSimulated("A download by managed identity ('scriptUriManagedIdentity')", 'a scriptUri with a signature.');
  if (script !== undefined) return runScript(azure, vm, script, environment);
  if (commandId !== undefined) return runScript(azure, vm, demandBuiltIn(commandId), environment);
  return downloaded(azure, vm, scriptUri ?? '', environment);
}

function demandBuiltIn(commandId: string): string {
  const text = builtInScript(commandId);
  if (text !== undefined) return text;
  throw new AzureError(
    404,
    'NotFound',
    `The entity was not found in this Azure location. Run command '${commandId}' does not exist.`,
  );
}

/** A blob of this Azure by its signature; of anywhere else only what a rehearsal gave an answer for, by the URI. */
function downloaded(azure: Azure, vm: Resource, uri: string, environment: Readonly<Record<string, string>>): Ran {
  const text = readBySignature(azure, uri);
  if (text !== undefined) return runScript(azure, vm, text, environment);
  const plain = uri.split('?', 1)[0] ?? '';
  if (scriptAnswers(azure).some(({ contains }) => plain.includes(contains))) return runScript(azure, vm, plain, environment); // prettier-ignore
  return { stdout: '', stderr: '', exitCode: DOWNLOAD_FAILED, seconds: 0, problem: downloadText(plain) };
}

const BLOBS = ['outputBlobUri', 'errorBlobUri', 'outputBlobManagedIdentity', 'errorBlobManagedIdentity'];

/** Output goes to append blobs, which the simulated blob service has not. */
export function demandNoBlobs(properties: Readonly<Record<string, unknown>>): void {
  const asked = BLOBS.find((name) => properties[name] !== undefined);
  if (asked === undefined) return;
  throw notSimulated(`Output of a run command to an append blob ('${asked}')`, 'the last 4,096 bytes in the instance view.'); // prettier-ignore
}

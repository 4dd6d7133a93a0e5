/** What the request asks of the encryption of its disks, and what of it the host subscription has. Pure. */
import { applianceOf, type Blueprint } from '../blueprint/blueprint';
import { finding } from './codes';
import type { Finding } from './finding';
import { missingPermission } from './permissions';

/** A disk encryption set as Azure shows it, or why it does not. */
export type EncryptionSet =
  | { readonly kind: 'set'; readonly location: string; readonly encryptionType: string; readonly state: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'forbidden' };

/** Its keys are for the disks of confidential VMs, which no Sentry is. */
const CONFIDENTIAL = 'ConfidentialVmEncryptedWithCustomerKey';
const READ = 'Microsoft.Compute/diskEncryptionSets/read';

/** Azure asks whoever makes a disk for the right to read its set, which reading it proves. */
export function checkEncryptionSet(blueprint: Blueprint, found: EncryptionSet, appId: string): readonly Finding[] {
  const id = applianceOf(blueprint)?.vm.osDisk?.diskEncryptionSetId ?? '';
  const { location } = blueprint.request.placement;
  if (found.kind === 'forbidden') return [missingPermission(id, [READ], 'Reader', appId)];
  if (found.kind === 'absent') return [finding('NoSuchResource', id, 'Azure knows no such disk encryption set', LIST)];
  const elsewhere = found.location.toLowerCase().replaceAll(' ', '') !== location.toLowerCase();
  return [
    ...(elsewhere
      ? [finding('EncryptionSetElsewhere', id, `It lies in ${found.location}, and the VM in ${location}`, LIST)]
      : []),
    ...(found.encryptionType === CONFIDENTIAL
      ? [finding('EncryptionSetUnusable', id, 'Its key is for the disks of confidential VMs alone', LIST)]
      : []),
    ...(found.state === 'Failed'
      ? [finding('EncryptionSetUnusable', id, 'Azure could not make it: its state is Failed', SHOW(id))]
      : []),
  ];
}

const LIST =
  'Correct vm.osDisk.diskEncryptionSetId: `az disk-encryption-set list --query "[].{id:id, location:location, type:encryptionType}"` shows what there is.';
const SHOW = (id: string): string =>
  `See what Azure says, most often that it may not use its key: \`az disk-encryption-set show --ids ${id}\`. Then make it again.`;

/** Without the feature Azure takes not even `false`. `state` is undefined in a cloud that does not know it. */
export function checkEncryptionAtHost({ request }: Blueprint, state: string | undefined): readonly Finding[] {
  if (state === undefined || state === 'Registered') return [];
  const { subscriptionId } = request.placement;
  const reason = `The subscription has not registered the feature Microsoft.Compute/EncryptionAtHost (${state})`;
  const register = `\`az feature register --namespace Microsoft.Compute --name EncryptionAtHost --subscription ${subscriptionId}\``;
  const show = `\`az feature show --namespace Microsoft.Compute --name EncryptionAtHost --subscription ${subscriptionId}\``;
  const spread = `\`az provider register --namespace Microsoft.Compute --subscription ${subscriptionId}\``;
  const remedy = `A Contributor runs ${register}; and when ${show} says Registered, within a quarter of an hour, ${spread}. Or leave vm.encryptionAtHost out.`;
  return [finding('FeatureNotRegistered', '/vm/encryptionAtHost', reason, remedy)];
}

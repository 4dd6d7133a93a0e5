import { type Put } from '../arm/kind';
import { type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { hasFeature } from '../resources/features';
import { powerOf } from './instanceView';
import { vmProperties, type VmProperties } from './shapes';

const FEATURE = 'Microsoft.Compute/EncryptionAtHost';
const TARGET = 'securityProfile.encryptionAtHost';

/**
 * Encryption at host: the subscription has the feature (without it not even `false` may be said), the size can do it,
 * and a machine that exists takes a change only while it is deallocated.
 */
export function demandEncryptionAtHost(azure: Azure, { subscriptionId, existing }: Put, asked: VmProperties): void {
  const wanted = asked.securityProfile?.encryptionAtHost;
  if (wanted === undefined) return;
  if (!hasFeature(azure, subscriptionId, FEATURE))
    throw badRequest(
      'InvalidParameter',
      `The property '${TARGET}' is not valid because the '${FEATURE}' feature is not enabled for this subscription.`,
      TARGET,
    );
  const { vmSize } = asked.hardwareProfile;
  if (wanted && azure.tenant.vmSizes[vmSize]?.encryptionAtHost === false)
    throw badRequest('InvalidParameter', `The VM size '${vmSize}' does not support encryption at host.`, TARGET);
  if (existing === undefined || existing.failure !== null) return;
  const was = vmProperties.parse(existing.document.properties).securityProfile?.encryptionAtHost ?? false;
  if (was !== wanted && powerOf(azure, existing).power !== 'deallocated')
    throw new AzureError(
      409,
      'OperationNotAllowed',
      `'${TARGET}' can be updated only when VM is in deallocated state.`,
      { members: { target: TARGET } },
    );
}

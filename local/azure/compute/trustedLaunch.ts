import { type Azure } from '../azure';
import { badRequest } from '../http/errors';
import { type VmProperties } from './shapes';
import { type Source } from './sources';

const TRUSTED_LAUNCH = 'TrustedLaunch';
const MORE = 'For more information, see https://aka.ms/TrustedLaunch-FAQ.';

/**
 * Trusted Launch needs generation 2, an image that may have it and a size that can; and a gallery's image that is for
 * nothing else takes nothing else. A managed image has it never (azure-docs, "Trusted launch").
 */
export function demandSecurityType(azure: Azure, asked: VmProperties, { content, gallery, uses }: Source): void {
  const isWanted = asked.securityProfile?.securityType === TRUSTED_LAUNCH;
  if (!isWanted && gallery?.securityType === TRUSTED_LAUNCH)
    throw badRequest(
      'BadRequest',
      "The provided gallery image only supports creation of VMs and VM Scale Sets with 'TrustedLaunch' security type.",
    );
  if (!isWanted) return;
  const fromOurs = asked.storageProfile.imageReference?.id !== undefined && uses.length > 0;
  const isCapable = gallery === undefined ? !fromOurs : /TrustedLaunch/.test(gallery.securityType);
  if (content.hyperVGeneration === 'V1' || !isCapable)
    throw badRequest(
      'BadRequest',
      `Use of TrustedLaunch setting is not supported for the provided image. Please select Trusted Launch Supported Gen2 OS Image. ${MORE}`,
    );
  const { vmSize } = asked.hardwareProfile;
  if (azure.tenant.vmSizes[vmSize]?.trustedLaunch === false)
    throw badRequest(
      'BadRequest',
      `The VM size '${vmSize}' is not supported for creation of VMs and Virtual Machine Scale Set with 'TrustedLaunch' security type. ${MORE}`,
    );
}

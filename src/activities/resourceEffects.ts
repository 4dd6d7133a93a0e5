/** Every kind of resource and the file that sees to it. A kind without its effects does not compile. */
import type { Azure } from '../azure/ports';
import { application } from './application';
import { applicationFederatedCredential } from './applicationFederatedCredential';
import { clientSecret } from './clientSecret';
import type { AllEffects } from './effects';
import { existingIdentity } from './existingIdentity';
import { graphPermission } from './graphPermission';
import { identityFederatedCredential } from './identityFederatedCredential';
import { image } from './image';
import { marketplaceAgreement } from './marketplaceAgreement';
import { natGateway } from './natGateway';
import { networkInterface } from './networkInterface';
import { networkSecurityGroup } from './networkSecurityGroup';
import { providerRegistration } from './providerRegistration';
import { publicIPAddress } from './publicIPAddress';
import { publicIPAssociation } from './publicIPAssociation';
import { resourceGroup } from './resourceGroup';
import { roleAssignment } from './roleAssignment';
import { securityRule } from './securityRule';
import { servicePrincipal } from './servicePrincipal';
import { sshKey } from './sshKey';
import { subnet } from './subnet';
import { userAssignedIdentity } from './userAssignedIdentity';
import { vhdCopy } from './vhdCopy';
import { virtualMachine } from './virtualMachine';
import { virtualNetwork } from './virtualNetwork';

export const resourceEffects = (azure: Azure): AllEffects => ({
  providerRegistration: providerRegistration(azure),
  resourceGroup: resourceGroup(azure),
  vhdCopy: vhdCopy(azure),
  image: image(azure),
  existingIdentity: existingIdentity(azure),
  virtualNetwork: virtualNetwork(azure),
  publicIPAddress: publicIPAddress(azure),
  natGateway: natGateway(azure),
  subnet: subnet(azure),
  marketplaceAgreement: marketplaceAgreement(azure),
  networkSecurityGroup: networkSecurityGroup(azure),
  userAssignedIdentity: userAssignedIdentity(azure),
  application: application(azure),
  servicePrincipal: servicePrincipal(azure),
  clientSecret: clientSecret(azure),
  applicationFederatedCredential: applicationFederatedCredential(azure),
  identityFederatedCredential: identityFederatedCredential(azure),
  graphPermission: graphPermission(azure),
  roleAssignment: roleAssignment(azure),
  sshKey: sshKey(azure),
  networkInterface: networkInterface(azure),
  virtualMachine: virtualMachine(azure),
  publicIPAssociation: publicIPAssociation(azure),
  securityRule: securityRule(azure),
});

/** Every code that preflight may find, with its cause and its way out: docs/operations.md lists them. Pure. */
import type { Finding } from './finding';

interface Known {
  readonly severity: Finding['severity'];
  readonly cause: string;
  readonly wayOut: string;
}

/** `error`: a run cannot succeed. `warning`: it goes on, without what the finding names. */
export const findingCodes = {
  CouldNotBeChecked: {
    severity: 'warning',
    cause: 'Azure refused or did not answer a read, so this was not looked at',
    wayOut:
      'Give the app the permission that the finding names, with its command, or go on: the run says what it meets',
  },
  NotTakenIn: {
    severity: 'warning',
    cause:
      'A subscription announced itself, or came into a rule, and needs a Sentry more than the fleet can have; the finding says why',
    wayOut:
      'Make room as the finding says: it joins by itself with the next run. Else name it in `subscriptions.exclude`, and watch it with a deployment of another name',
  },
  FleetCannotGrow: {
    severity: 'warning',
    cause:
      '`subscriptions.onboardNew` with a grant at a management group or one existing identity: one Sentry is all that the fleet can have',
    wayOut:
      'Go on where no more subscriptions than one Sentry watches are to come; else grant at each subscription, leave `identity.resourceId` out, or ask for the others in a deployment of another name',
  },
  OneSentryOnly: {
    severity: 'error',
    cause: 'More subscriptions than one Sentry watches, with a grant at a management group or one existing identity',
    wayOut:
      'Grant at each subscription, leave `identity.resourceId` out, or ask for fewer subscriptions; a Sentry keeps the identity that it was made with: ask for the others in a deployment of another name',
  },
  MissingPermission: {
    severity: 'error',
    cause: 'The app may not do what the request needs at this scope; `notActions` count',
    wayOut: 'Give the app a role there with the command in the finding; it takes up to ten minutes to count',
  },
  MissingGraphPermission: {
    severity: 'error',
    cause: 'The app may not make app registrations in Microsoft Graph',
    wayOut: 'An administrator runs the command in the finding (deploy.md, step 3), or ask for a managed identity',
  },
  ConsentNeeded: {
    severity: 'warning',
    cause:
      'The app may not grant the Sentry its Graph permissions. A run ends with this where nobody consented in a day',
    wayOut:
      'An administrator runs the command in the finding, or consents as the handoff `consent-{n}` says; then send the request again',
  },
  SubscriptionDisabled: {
    severity: 'warning',
    cause: 'A watched subscription is disabled, so nothing can be granted in it',
    wayOut: 'Enable it in the portal (Cost Management + Billing), or take it out of the request',
  },
  SubscriptionElsewhere: {
    severity: 'warning',
    cause: 'A watched subscription belongs to another tenant; a role assignment does not reach across',
    wayOut: 'Take it out of the request, and watch it with a deployment in its own tenant',
  },
  SubscriptionUnknown: {
    severity: 'warning',
    cause: 'Azure knows no such subscription, or the app may not see it',
    wayOut: 'Check the id with `az account list --all`, or give the app its role there (deploy.md, step 2)',
  },
  SubscriptionNotGrantable: {
    severity: 'warning',
    cause: 'The app may not grant the roles in a watched subscription: it will be set aside',
    wayOut: 'An owner runs the command in the finding, or takes the subscription out of the request',
  },
  GrantNotAllowed: {
    severity: 'warning',
    cause: 'A condition on the app’s own role lets it grant other roles than the Sentry needs',
    wayOut: 'Widen the condition (deploy.md, step 2): the finding names the roles',
  },
  GrantConditional: {
    severity: 'warning',
    cause: 'A condition on the app’s own role names principals; whether the Sentry’s is among them is not known yet',
    wayOut: 'Add the Sentry’s principal to the condition once it exists, or let the condition name its type alone',
  },
  AssignableRoleUnknown: {
    severity: 'warning',
    cause: 'Azure shows the app no role definition of an id in `controller.assignableRoles`',
    wayOut: 'Correct the id; a custom role has to be one of the watched subscriptions',
  },
  AssignableRoleGrants: {
    severity: 'warning',
    cause:
      'A role in `controller.assignableRoles` may itself assign roles, so that the condition limits nobody who is given it',
    wayOut: 'Leave it out, unless that is meant',
  },
  GrantDenied: {
    severity: 'warning',
    cause: 'An Azure Policy denies the role assignments in a watched subscription: it will be set aside',
    wayOut: 'Ask the policy’s owner for an exemption with the command in the finding, or take the subscription out',
  },
  GrantMayBeDenied: {
    severity: 'warning',
    cause:
      'An Azure Policy that denies has a rule that cannot be worked out for role assignments in watched subscriptions',
    wayOut: 'Read the policy named; ask for an exemption where it would deny',
  },
  GrantsStay: {
    severity: 'warning',
    cause: 'The app may grant in a watched subscription, and not take back',
    wayOut: 'Give the app `Microsoft.Authorization/roleAssignments/delete` there before teardown',
  },
  RoleAssignmentLimit: {
    severity: 'warning',
    cause: 'A watched subscription has no room for the grants: Azure’s limit is 4,000 role assignments',
    wayOut: 'Remove role assignments of principals that are gone, or grant at a management group',
  },
  RuleFindsNothing: {
    severity: 'warning',
    cause: 'No subscription that the app may read fits a rule by management group or tag',
    wayOut: 'Correct the rule, or give the app Reader at the management group (deploy.md, step 2)',
  },
  NothingSelected: {
    severity: 'error',
    cause:
      'The request means no subscription at all, and `onboardNew` is false or earlier ones would lose their grants',
    wayOut: 'Correct the rules in `subscriptions`, or give the app Reader where they point',
  },
  NoSubscriptionLeft: {
    severity: 'error',
    cause: 'Every watched subscription would be set aside',
    wayOut: 'Mend what the findings on the subscriptions say',
  },
  HostSubscriptionDisabled: {
    severity: 'error',
    cause: 'The subscription that hosts the Sentry is disabled: everything in it is read-only',
    wayOut: 'Enable it in the portal (Cost Management + Billing), or ask for another',
  },
  HostSubscriptionElsewhere: {
    severity: 'error',
    cause: 'The subscription that hosts the Sentry belongs to another tenant',
    wayOut: 'Ask for a subscription of the app’s own tenant',
  },
  HostSubscriptionUnknown: {
    severity: 'error',
    cause: 'Azure knows no subscription of the id in `placement.subscriptionId`',
    wayOut: 'Correct the id: `az account list --all` shows what there is',
  },
  NoSuchResource: {
    severity: 'error',
    cause:
      'A resource that the request names does not exist: an identity, an image, a storage account, a disk encryption set',
    wayOut: 'Correct its id in the request',
  },
  FederationTaken: {
    severity: 'error',
    cause:
      'Another federated credential of the same identity has the issuer and subject that the request asks for. A run stops with this too, where one came since, or on an application',
    wayOut: 'Remove it (the remedy has the command), or ask for another subject',
  },
  RegionUnknown: {
    severity: 'error',
    cause: 'Azure has no region of the name in `placement.location`, or not for the host subscription',
    wayOut: 'Correct it: `az account list-locations` shows what there is',
  },
  ProviderNotRegistered: {
    severity: 'error',
    cause: 'The host subscription is not registered for a resource provider, and the app may not register it',
    wayOut: 'A Contributor of the subscription runs `az provider register`, as the finding has it',
  },
  QuotaExceeded: {
    severity: 'error',
    cause: 'The region’s quota has no room for the Sentries',
    wayOut: 'Ask for more quota with the link in the finding, or for another size or region',
  },
  SizeNotAvailable: {
    severity: 'error',
    cause: 'The VM size is unknown in the region, or restricted there or in the zone for this subscription',
    wayOut: 'Ask for another `vm.size`, `placement.zone` or `placement.location`',
  },
  SizeNotCapable: {
    severity: 'error',
    cause:
      'The VM size has not what the request asks of it: encryption at host, Trusted Launch, or the generation of the image',
    wayOut: 'Ask for a size that has it, or leave the field out',
  },
  FeatureNotRegistered: {
    severity: 'error',
    cause: 'The host subscription has not registered the feature that `vm.encryptionAtHost` needs, be it true or false',
    wayOut: 'A Contributor runs `az feature register`, as the finding has it, or leave `vm.encryptionAtHost` out',
  },
  ImageElsewhere: {
    severity: 'error',
    cause: 'The image of `image.id` lies in another region than the VM, or the version is not replicated to it',
    wayOut: 'Replicate the version with the command in the finding, or ask for an image of `placement.location`',
  },
  ImageUnusable: {
    severity: 'error',
    cause:
      'No Sentry can be made of the image: it is unfinished, specialized, of Windows or of a marketplace plan, or its generation or security type is another than the request asks',
    wayOut: 'Ask for another in `image.id`, or for the `vm.securityType` that it has',
  },
  EncryptionSetElsewhere: {
    severity: 'error',
    cause: 'A disk must lie in the region of its disk encryption set, and the VM’s is another',
    wayOut: 'Ask for a set in `placement.location`, or the other way round',
  },
  EncryptionSetUnusable: {
    severity: 'error',
    cause: 'The disk encryption set is for confidential VMs alone, or Azure could not make it',
    wayOut: 'Ask for another in `vm.osDisk.diskEncryptionSetId`, or mend it as the finding says',
  },
  OfferNotFound: {
    severity: 'error',
    cause:
      'The marketplace has no legal terms of the profile’s image: the offer is gone, its plan is another, or the image has no purchase plan (Canonical’s Ubuntu)',
    wayOut: 'Correct the profile’s image, or bring the image: `image.kind` vhd or image',
  },
  VhdSourceUnusable: {
    severity: 'error',
    cause:
      'The VHD of `image.uri` is not there, may not be read, or is no page blob that a disk can be made of; or the vault’s secret holds no URL',
    wayOut: 'Correct `image.uri`, or the URL that the vault’s secret holds; renew its SAS',
  },
  VhdAccountElsewhere: {
    severity: 'error',
    cause: 'The storage account lies in another subscription or region than the image that is made of its blob',
    wayOut: 'Give a storage account of `placement.subscriptionId` in `placement.location`',
  },
  VhdContainerNotFound: {
    severity: 'error',
    cause: 'The storage account has no container of the name in `image.container`',
    wayOut: 'Correct `image.container`, or make the container with the command in the finding',
  },
  MarkLost: {
    severity: 'warning',
    cause:
      'This deployment made it, and its tag `sentry-deployment` is gone: it and what needs it are left as they are, and all else is done',
    wayOut: 'Put the tag back with the command in the finding, then send the same request again',
  },
  NameTaken: {
    severity: 'error',
    cause: 'A resource of this name exists in the group and bears another deployment’s mark or none',
    wayOut:
      'Give another name in `names`, or another resource group; where this deployment made it, put the tag back with the command in the finding; or remove it if nobody needs it',
  },
  PolicyDenies: {
    severity: 'error',
    cause: 'An Azure Policy denies a resource as the request asks for it',
    wayOut: 'Change the request as the finding says, or ask the policy’s owner for an exemption',
  },
  PolicyMayDeny: {
    severity: 'warning',
    cause: 'An Azure Policy with the effect deny has a rule that cannot be worked out beforehand',
    wayOut: 'Read the policy named; ask for an exemption where it would deny',
  },
  SecondIdentity: {
    severity: 'warning',
    cause:
      'An Azure Policy may give the VM a second identity: the appliance is then refused a token, or given the wrong one',
    wayOut: 'Have the resource group exempted from that policy, or ask for `identity.kind` appRegistration',
  },
  AddressSpaceDiffers: {
    severity: 'error',
    cause: 'The deployment’s own network exists with other addresses, and a subnet in use cannot change them',
    wayOut: 'Ask for the prefix that it has, or for another `names.virtualNetwork`',
  },
  AddressSpaceOverlaps: {
    severity: 'warning',
    cause: '`network.addressPrefix` has addresses of other networks of the tenant: those can never be peered with ours',
    wayOut: 'Ask for a free range where the networks are ever to be peered; or go on',
  },
  SubnetNotFound: {
    severity: 'error',
    cause: 'The subnet of the request does not exist',
    wayOut: 'Correct `network.subnetId`',
  },
  SubnetInOtherRegion: {
    severity: 'error',
    cause: 'A network interface must lie in the region of its network, and the subnet’s is another',
    wayOut: 'Ask for a subnet in `placement.location`, or the other way round',
  },
  SubnetFull: {
    severity: 'error',
    cause: 'The subnet has fewer free addresses than Sentries are to be made',
    wayOut:
      'Free addresses, or ask for a larger subnet. A network of ours that exists keeps its range: ask for fewer subscriptions, and for the others in another deployment',
  },
  SubnetDelegated: {
    severity: 'error',
    cause: 'The subnet is delegated to a service, which alone may put interfaces into it',
    wayOut: 'Ask for another subnet',
  },
  NoWayOut: {
    severity: 'error',
    cause: 'From the subnet nothing leads out: it is private, without a NAT gateway and without a default route',
    wayOut: 'Give the subnet a NAT gateway or a route to a firewall; the Sentry reports on 443',
  },
  OutboundDenied: {
    severity: 'error',
    cause: 'The subnet’s security group denies outbound TCP 443',
    wayOut: 'Allow 443 to the Internet in that group',
  },
  WindowBlocked: {
    severity: 'error',
    cause: 'The subnet’s own security group lets the window’s sources not in on its ports',
    wayOut: 'Allow them in that group, or ask for `configuration.kind` runCommand, which opens no port',
  },
  LockForbidsDeletion: {
    severity: 'error',
    cause: 'A delete lock at or above the resource group would keep the access window open',
    wayOut: 'Remove the lock, or ask for another resource group',
  },
  LockForbidsTeardown: {
    severity: 'warning',
    cause: 'A lock at or above the resource group: no window is to be opened now, but teardown will need it removed',
    wayOut: 'Remove the lock before teardown',
  },
  LockForbidsWrites: {
    severity: 'error',
    cause: 'A read-only lock at or above the resource group',
    wayOut: 'Remove the lock, or ask for another resource group',
  },
  VaultUnreachable: {
    severity: 'error',
    cause: 'The app’s Key Vault does not answer: a wrong address, or a network in between',
    wayOut: 'Check `KEY_VAULT_URI`, and that the app’s subnet may reach the vault',
  },
  VaultForbidden: {
    severity: 'error',
    cause: 'The app’s Key Vault lets the app not in: its role, or the vault’s firewall',
    wayOut: 'Give the app Key Vault Secrets Officer with the command in the finding, or open the firewall to it',
  },
  SecretsForbidden: {
    severity: 'error',
    cause: 'The tenant’s app management policy allows no client secrets',
    wayOut: 'Ask for a managed identity, or the policy’s owner for an exemption',
  },
  SecretLivesTooLong: {
    severity: 'error',
    cause: 'The tenant’s app management policy lets a client secret live less long than the request asks',
    wayOut: 'Lower `identity.secret.expiresInDays` to what the finding says',
  },
} as const satisfies Readonly<Record<string, Known>>;
export type FindingCode = keyof typeof findingCodes;

/** A finding with the severity of its code. */
export const finding = (code: FindingCode, where: string, reason: string, remedy: string): Finding => ({
  severity: findingCodes[code].severity,
  code,
  where,
  reason,
  remedy,
});

/** Of one code this many are kept: findings are part of a history, and 5,000 of the same tell no more. */
const MOST = 100;

/** Errors first; of each code at most a hundred, the last of which says how many more there are. */
export function bounded(findings: readonly Finding[]): readonly Finding[] {
  const byCode = [...Map.groupBy(findings, ({ code }) => code).values()];
  const kept = byCode.flatMap((same) => {
    const more = same.length - MOST;
    return same
      .slice(0, MOST)
      .map((one, at) => (more > 0 && at === MOST - 1 ? { ...one, reason: `${one.reason} (and ${more} more)` } : one));
  });
  return kept.sort((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
}

/** What of a deployment a later request may not change, because what it has made would be left behind. Pure. */
import { applianceOf, type ApplianceChoice } from '../blueprint/blueprint';
import { nameOf, templateOf } from '../blueprint/naming';
import type { Fault } from '../faults';
import type { NameKey, Profile } from '../profile';
import type { DeploymentState, ResourceState, SentryState } from '../states';
import type { DeploymentRequest } from './request';

/** Names by which Azure knows a thing: another one is another thing. Such a resource's key is its name's key. */
const NAMES: readonly NameKey[] = [
  'networkSecurityGroup',
  'userAssignedIdentity',
  'virtualMachine',
  'networkInterface',
  'virtualNetwork',
  'subnet',
  'natGateway',
  'egressAddress',
  'image',
];

/** What is there, or may be: of what was refused nothing is left behind, and what is another's stays theirs. */
const exists = ({ state, ours }: ResourceState): boolean =>
  state === 'running' || state === 'later' || (state === 'done' && ours !== false);

const changed = (pointer: string, was: string | undefined): Fault => ({
  pointer,
  detail: `was ${was ?? 'left out'} when the deployment’s resources were made`,
});
const kindOf = (image: DeploymentRequest['image']): string => image?.kind ?? 'marketplace';

/** What Azure lets nobody change of a VM that exists (`kinds`: immutable), beside its place, name and image. */
const OF_MACHINE: Readonly<Record<string, (choice: ApplianceChoice) => string | undefined>> = {
  adminUsername: ({ vm }) => vm.adminUsername,
  sshPublicKeys: ({ vm }) => vm.sshPublicKeys.toSorted().join(', '),
  encryptionAtHost: ({ vm }) => vm.encryptionAtHost?.toString(),
  'osDisk/diskEncryptionSetId': ({ vm }) => vm.osDisk?.diskEncryptionSetId,
};

/**
 * Another group, subscription, region, network, name or place of a VHD is another resource: a second fleet beside the
 * first, or a second copy, which nobody would look after. A VM that exists is made of no other image, and keeps what
 * Azure gives it once. Only what exists binds.
 */
export function placementFaults(
  { request: before, resources }: DeploymentState,
  sentries: readonly SentryState[],
  after: DeploymentRequest,
  profile: Profile,
): readonly Fault[] {
  const made = [{ n: 1, resources }, ...sentries].flatMap(({ n, resources: states }) =>
    Object.entries(states).flatMap(([key, state]) => (exists(state) ? [{ n, key, id: state.id }] : [])),
  );
  const keys = new Set(made.map(({ key }) => key));
  const inGroup = made.some(({ id }) => /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+/i.test(id));
  const kept = (binds: boolean, pointer: string, was: string | undefined, is: string | undefined): readonly Fault[] =>
    !binds || was?.toLowerCase() === is?.toLowerCase() ? [] : [changed(pointer, was)];
  const { placement, network, image, vm } = before;
  const [machine, next] = [before, after].map((request) => applianceOf({ request, profile }));
  const to = after.image;
  const hasImage = keys.has('vhdCopy') || keys.has('image');
  const hasMachine = keys.has('virtualMachine');
  const hasNetwork = keys.has('virtualNetwork') || keys.has('networkInterface');
  const faults = [
    ...(['subscriptionId', 'resourceGroup', 'location'] as const).flatMap((field) =>
      kept(inGroup, `/placement/${field}`, placement[field], after.placement[field]),
    ),
    ...kept(hasNetwork, '/network/kind', network?.kind, after.network?.kind),
    ...(network?.kind === 'managed' && after.network?.kind === 'managed'
      ? kept(hasNetwork, '/network/addressPrefix', network.addressPrefix, after.network.addressPrefix)
      : []),
    ...(network?.kind === 'existing' && after.network?.kind === 'existing'
      ? kept(keys.has('networkInterface'), '/network/subnetId', network.subnetId, after.network.subnetId)
      : []),
    ...kept(hasImage || hasMachine, '/image/kind', kindOf(image), kindOf(to)),
    ...(image?.kind === 'vhd' && to?.kind === 'vhd'
      ? (['storageAccountId', 'container'] as const).flatMap((field) =>
          kept(hasImage, `/image/${field}`, image[field], to[field]),
        )
      : []),
    // The path of a URL is another in other letters.
    ...(image?.kind === 'vhd' && to?.kind === 'vhd' && hasImage && image.uri !== to.uri
      ? [changed('/image/uri', image.uri)]
      : []),
    ...(image?.kind === 'image' && to?.kind === 'image' ? kept(hasMachine, '/image/id', image.id, to.id) : []),
    ...kept(hasMachine, '/placement/zone', placement.zone, after.placement.zone),
    ...(machine && next
      ? Object.entries(OF_MACHINE).flatMap(([field, of]) => kept(hasMachine, `/vm/${field}`, of(machine), of(next)))
      : []),
    // Where none was asked for, Azure's own default stands, which may be what is asked for now.
    ...kept(hasMachine && vm?.securityType !== undefined, '/vm/securityType', vm?.securityType, after.vm?.securityType),
    ...made.flatMap(({ n, key: of }) => {
      // The copied VHD is called as the image is that is made of it.
      const key = NAMES.find((name) => name === (of === 'vhdCopy' ? 'image' : of));
      if (!key) return [];
      const [was, is] = [
        { request: before, profile },
        { request: after, profile },
      ] as const;
      const name = nameOf(was, key, n);
      if (name.toLowerCase() === nameOf(is, key, n).toLowerCase()) return [];
      // `{vm}` in a template: the machine's own name is what was changed.
      const field = templateOf(was, key) === templateOf(is, key) ? 'virtualMachine' : key;
      return [{ pointer: `/names/${field}`, detail: `named '${name}' when it was made` }];
    }),
  ];
  return faults.filter(({ pointer }, at) => faults.findIndex((one) => one.pointer === pointer) === at);
}

import { describe, expect, test } from '@jest/globals';
import { areasOf } from '../../../../src/domain/preflight/areas';
import { checkAssignableRoles, type RoleFacts } from '../../../../src/domain/preflight/assignableRoles';
import { checkSize, type Size } from '../../../../src/domain/preflight/capacity';
import { checkIdentity } from '../../../../src/domain/preflight/existing';
import { checkImage, type Image, type ImageContent } from '../../../../src/domain/preflight/image';
import { checkRegion } from '../../../../src/domain/preflight/region';
import { agentless, agentlessBody, profile, request, requestFor } from '../../../support/requests';

const { placement, vm } = requestFor(1);
const compute = `/subscriptions/${placement.subscriptionId}/resourceGroups/images/providers/Microsoft.Compute`;
const managedId = `${compute}/images/sentry`;
const versionId = `${compute}/galleries/sentries/images/sentry/versions/1.0.0`;
const asking = (id: string, more: object = {}) => ({
  request: requestFor(1, { image: { kind: 'image', id }, vm: { ...vm, ...more } }),
  profile,
});
const content: ImageContent = { osType: 'Linux', osState: 'Generalized', generation: 'V2', planned: false };
const image = (more: object = {}, inside: Partial<ImageContent> | undefined = {}): Image => ({
  kind: 'image',
  regions: ['North Europe', 'West Europe'],
  state: 'Succeeded',
  content: { ...content, ...inside },
  ...more,
});
const size: Size = {
  family: 'standardDSv3Family',
  cores: 4,
  zones: [],
  restrictedZones: [],
  restricted: false,
  capabilities: { HyperVGenerations: 'V1,V2' },
};
const trusted = { securityType: 'TrustedLaunch' };

describe('an image by its id', () => {
  test.each<readonly [string, Image, object, readonly string[]]>([
    ['as it is to be', image(), {}, []],
    ['that is not there', { kind: 'absent' }, {}, ['NoSuchResource']],
    ['that the app may not read, which is told with its permissions', { kind: 'forbidden' }, {}, []],
    ['in other regions', image({ regions: ['North Europe'] }), {}, ['ImageElsewhere']],
    ['that is being copied into more regions', image({ state: 'Updating' }), {}, []],
    ['that is being made', image({ state: 'Creating' }), {}, ['ImageUnusable']],
    ['that failed', image({ state: 'Failed' }), {}, ['ImageUnusable']],
    ['of Windows', image({}, { osType: 'Windows' }), {}, ['ImageUnusable']],
    ['that is specialized', image({}, { osState: 'Specialized' }), {}, ['ImageUnusable']],
    ['of a marketplace plan', image({}, { planned: true }), {}, ['ImageUnusable']],
    ['of generation 1 with Trusted Launch', image({}, { generation: 'V1' }), trusted, ['ImageUnusable']],
    ['that says nothing of Trusted Launch', image(), trusted, ['ImageUnusable']],
    ['that can have Trusted Launch', image({}, { securityType: 'TrustedLaunchSupported' }), trusted, []],
    [
      'that can have more than Trusted Launch',
      image({}, { securityType: 'TrustedLaunchAndConfidentialVmSupported' }),
      trusted,
      [],
    ],
    ['that need not have it', image({}, { securityType: 'TrustedLaunchSupported' }), {}, []],
    ['for Trusted Launch alone', image({}, { securityType: 'TrustedLaunch' }), {}, ['ImageUnusable']],
    ['for confidential VMs alone', image({}, { securityType: 'ConfidentialVM' }), {}, ['ImageUnusable']],
    ['whose definition the app may not read', image({ content: undefined }), {}, ['CouldNotBeChecked']],
    [
      'with everything wrong',
      image({ regions: ['East US'], state: 'Failed' }, { osType: 'Windows' }),
      {},
      ['ImageElsewhere', 'ImageUnusable', 'ImageUnusable'],
    ],
  ])('%s', (_what, found, more, codes) => {
    expect(checkImage(asking(versionId, more), found, size, undefined).map(({ code }) => code)).toEqual(codes);
  });

  test('says what mends it: another copy of a version, another image', () => {
    const [version] = checkImage(asking(versionId), image({ regions: ['East US'] }), size, undefined);
    expect(version?.remedy).toContain(
      `az sig image-version update --ids ${versionId} --add publishingProfile.targetRegions name=westeurope`,
    );
    const [managed] = checkImage(asking(managedId), image({ regions: ['eastus'] }), size, undefined);
    expect(managed).toMatchObject({ where: managedId, reason: 'It is in eastus, and the VM in westeurope' });
    expect(managed?.remedy).not.toContain('az sig');
  });

  test('is looked at where the request names one, and so is an identity', () => {
    expect(areasOf(asking(managedId))).toContain('image');
    expect(areasOf({ request: requestFor(1), profile })).not.toContain('image');
    expect(areasOf({ request: requestFor(1), profile })).not.toContain('identity');
    const resourceId = `${compute.replace('Compute', 'ManagedIdentity')}/userAssignedIdentities/known`;
    const named = { request: requestFor(1, { identity: { kind: 'managedIdentity', resourceId } }), profile };
    expect(areasOf(named)).toContain('identity');
    expect(checkIdentity(named, true)).toEqual([]);
    expect(checkIdentity(named, false)).toMatchObject([{ code: 'NoSuchResource', where: resourceId }]);
  });
});

describe('a size that does not boot', () => {
  const only = (generations: string): Size => ({ ...size, capabilities: { HyperVGenerations: generations } });
  const codesOf = (findings: readonly { readonly code: string; readonly where: string }[]) =>
    findings.map(({ code, where }) => `${code} ${where}`);

  test('the marketplace’s image, which the profile tells of', () => {
    expect(checkSize({ request: requestFor(1), profile }, only('V1'))).toEqual([]);
    expect(codesOf(checkSize({ request: requestFor(1), profile }, only('V2')))).toEqual(['SizeNotCapable /vm/size']);
  });

  test('the image that is named, which Azure tells of', () => {
    expect(checkSize(asking(versionId), only('V2'))).toEqual([]);
    expect(checkImage(asking(versionId), image(), only('V2'), undefined)).toEqual([]);
    expect(codesOf(checkImage(asking(versionId), image(), only('V1'), undefined))).toEqual(['SizeNotCapable /vm/size']);
    // Of a size that is not there another finding tells.
    expect(checkImage(asking(versionId), image(), undefined, undefined)).toEqual([]);
  });
});

test('a region is known or not, with and without an appliance', () => {
  expect(checkRegion({ request: requestFor(1), profile }, true)).toEqual([]);
  expect(checkRegion({ request: requestFor(1), profile }, false)).toMatchObject([
    { severity: 'error', code: 'RegionUnknown', where: '/placement/location' },
  ]);
  expect(areasOf({ request: request(agentlessBody()), profile: agentless })).toContain('region');
});

describe('roles that a controller may assign', () => {
  const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
  const OWNER = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';
  const known: readonly RoleFacts[] = [
    { id: READER, name: 'Reader', permissions: [{ actions: ['*/read'], notActions: [] }] },
    { id: OWNER, name: 'Owner', permissions: [{ actions: ['*'], notActions: [] }] },
  ];
  const found = (...roles: string[]) =>
    checkAssignableRoles(
      { request: requestFor(1, { controller: { enabled: true, assignableRoles: roles } }), profile },
      known,
    );

  test.each<readonly [string, string, readonly string[]]>([
    ['that there is', READER.toUpperCase(), []],
    ['that Azure does not show', '00000000-0000-4000-8000-000000000001', ['AssignableRoleUnknown']],
    ['that may itself assign', OWNER, ['AssignableRoleGrants']],
  ])('%s', (_what, role, codes) => {
    expect(found(role).map(({ code, severity }) => [code, severity])).toEqual(codes.map((code) => [code, 'warning']));
  });

  test('each is told of at its place, and none where there is no controller', () => {
    expect(found(READER, OWNER).map(({ where }) => where)).toEqual(['/controller/assignableRoles/1']);
    expect(checkAssignableRoles({ request: requestFor(1), profile }, [])).toEqual([]);
  });
});

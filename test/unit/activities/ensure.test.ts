import { expect, test } from '@jest/globals';
import { makeEnsure, makeRemove } from '../../../src/activities/ensure';
import { resourceEffects } from '../../../src/activities/resourceEffects';
import { type Accepted, AzureError, type ArmBody, type Azure, type OperationState } from '../../../src/azure/ports';
import { sharedResources } from '../../../src/domain/blueprint/shared';
import { OWNER_TAG, specify, type Spec } from '../../../src/domain/resources';
import { profile, request } from '../../support/requests';

const given = { resourceGroup: { id: '/rg' } };
const shared = sharedResources({ request: request(), profile });
const group = shared.find(({ kind }) => kind === 'resourceGroup');
const network = shared.find(({ kind }) => kind === 'virtualNetwork');
const specOf = (resource: typeof group): Spec => {
  if (!resource) throw new Error('The blueprint has no such resource.');
  return specify(resource, 'prod-sentry', given);
};
const vnet = specOf(network);
const shown = (more: object = {}): ArmBody => ({
  ...(vnet.wanted as object),
  id: vnet.id,
  provisioningState: 'Succeeded',
  ...more,
});

/** An Azure of one virtual network, which records what is written. */
function azureWith(behaviour: { body?: ArmBody; put?: () => Accepted; poll?: OperationState }) {
  const writes: string[] = [];
  let body = behaviour.body;
  const store = {
    get: async () => body,
    put: async (_id: string, wanted: object) => {
      writes.push('put');
      const answer = behaviour.put?.() ?? {};
      body = { ...body, ...wanted, id: vnet.id, provisioningState: 'Succeeded' };
      return answer;
    },
    delete: async () => {
      writes.push('delete');
      body = undefined;
      return {};
    },
  };
  const azure = {
    arm: new Proxy({}, { get: () => store }),
    operations: { poll: async () => behaviour.poll ?? { status: 'succeeded' } },
  } as unknown as Azure;
  const effects = resourceEffects(azure);
  return { writes, ensure: makeEnsure(azure, effects), remove: makeRemove(azure, effects) };
}

test('what is absent is put, and what is as wanted is left alone', async () => {
  const { ensure, writes } = azureWith({});
  expect(await ensure([{ spec: vnet }])).toMatchObject([
    { kind: 'done', change: 'created', ours: true, outputs: { id: vnet.id } },
  ]);
  expect(await ensure([{ spec: vnet }])).toMatchObject([{ kind: 'done', change: 'kept', ours: true }]);
  expect(writes).toEqual(['put']);
});

test('a long-running operation is started once, polled, and then read', async () => {
  const { ensure, writes } = azureWith({ put: () => ({ operation: 'https://azure/op', seconds: 3 }) });
  expect(await ensure([{ spec: vnet }])).toEqual([
    { kind: 'running', operation: 'https://azure/op', seconds: 3, change: 'created' },
  ]);
  expect(await ensure([{ spec: vnet, operation: 'https://azure/op', change: 'created' }])).toMatchObject([
    { kind: 'done', change: 'created' },
  ]);
  expect(writes).toEqual(['put']);
});

test('a difference in something of ours is put right', async () => {
  const { ensure, writes } = azureWith({ body: shown({ addressSpace: { addressPrefixes: ['10.1.0.0/16'] } }) });
  expect(await ensure([{ spec: vnet }])).toMatchObject([{ kind: 'done', change: 'changed' }]);
  expect(writes).toEqual(['put']);
});

test('what another tool made is neither changed nor used, save a resource group', async () => {
  const foreign = azureWith({ body: shown({ tags: { other: 'tool' } }) });
  expect(await foreign.ensure([{ spec: vnet }])).toMatchObject([{ kind: 'refused', code: 'NotOurs' }]);
  const theirs = azureWith({ body: { id: '/rg', tags: { other: 'tool' } } });
  expect(await theirs.ensure([{ spec: specOf(group) }])).toMatchObject([{ kind: 'done', change: 'kept', ours: false }]);
  expect([...foreign.writes, ...theirs.writes]).toEqual([]);
});

test('bug: what is ours and lost its mark is named so, with what puts it back, and nobody is told to remove it', async () => {
  const command = `az tag update --resource-id ${vnet.id} --operation Merge --tags sentry-deployment=prod-sentry`;
  const { ensure, writes } = azureWith({ body: shown({ tags: { costcenter: '9' } }) });
  const [known] = await ensure([{ spec: vnet, made: true }]);
  expect(known).toMatchObject({ code: 'MarkLost', remedy: expect.stringContaining(`\`${command}\``) });
  const [unknown] = await ensure([{ spec: vnet }]);
  expect(unknown).toMatchObject({
    code: 'NotOurs',
    remedy: expect.stringMatching(/^Give it another name.*az tag update/),
  });
  expect(JSON.stringify([known, unknown])).not.toMatch(/delete|remove/);
  const theirs = azureWith({ body: shown({ tags: { [OWNER_TAG]: 'other' } }) });
  const [of] = await theirs.ensure([{ spec: vnet, made: true }]);
  expect(of).toMatchObject({ code: 'NotOurs', reason: expect.stringContaining("the deployment 'other'") });
  expect(JSON.stringify(of)).not.toContain('az tag');
  expect([...writes, ...theirs.writes]).toEqual([]);
});

test('what Azure took and shows otherwise is not put for ever: a policy sets its own value', async () => {
  const operation = { operation: 'https://azure/op', change: 'created' } as const;
  const tagged = azureWith({ body: shown({ tags: { [OWNER_TAG]: 'prod-sentry', owner: 'policy' } }) });
  expect(await tagged.ensure([{ spec: vnet, ...operation }])).toMatchObject([{ kind: 'done', change: 'created' }]);
  const other = azureWith({ body: shown({ addressSpace: { addressPrefixes: ['10.1.0.0/16'] } }) });
  expect(await other.ensure([{ spec: vnet, ...operation }])).toMatchObject([{ kind: 'refused', code: 'NotTaken' }]);
  expect([...tagged.writes, ...other.writes]).toEqual([]);
});

test('what Azure lets nobody change is refused, never put', async () => {
  const { ensure, writes } = azureWith({ body: shown({ location: 'eastus' }) });
  expect(await ensure([{ spec: vnet }])).toMatchObject([{ kind: 'refused', code: 'Immutable' }]);
  expect(writes).toEqual([]);
});

test('a resource whose creation failed is put again', async () => {
  const { ensure, writes } = azureWith({ body: shown({ provisioningState: 'Failed' }) });
  await ensure([{ spec: vnet }]);
  expect(writes).toEqual(['put']);
});

test('only ours is removed, and the removal is read back', async () => {
  const ours = azureWith({ body: shown({ tags: { [OWNER_TAG]: 'prod-sentry' } }) });
  expect(await ours.remove([{ spec: vnet }])).toMatchObject([{ kind: 'done', change: 'removed' }]);
  const foreign = azureWith({ body: shown({ tags: {} }) });
  expect(await foreign.remove([{ spec: vnet }])).toMatchObject([{ kind: 'done', change: 'kept', ours: false }]);
  expect([...ours.writes, ...foreign.writes]).toEqual(['delete']);
});

test('an outcome comes back for each, whatever the others do', async () => {
  const refusal = { kind: 'refused', code: 'AuthorizationFailed', reason: 'no', remedy: 'ask' } as const;
  const { ensure } = azureWith({
    put: () => {
      throw new AzureError(refusal, 403);
    },
  });
  expect(await ensure([{ spec: vnet }, { spec: specOf(group) }])).toEqual([refusal, refusal]);
});

test('a bug of ours is an outcome too: what is fanned out never throws', async () => {
  const { ensure } = azureWith({
    put: () => {
      throw new TypeError('undefined is not a function');
    },
  });
  expect(await ensure([{ spec: vnet }])).toMatchObject([{ kind: 'later', code: 'Unexpected' }]);
});

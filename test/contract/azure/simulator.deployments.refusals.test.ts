/** What a deployment is refused for, before it begins, while it runs, and after. No client of Microsoft's for it is at hand. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type Answer, instant, location, pathOf, platform, startTestAzure, type TestAzure } from './simulator.support';

let azure: TestAzure;
let ask: (method: string, path: string, body?: unknown) => Promise<Answer>;

const group = `/subscriptions/${platform}/resourceGroups/rg`;
const of = (name: string, scope = group): string => `${scope}/providers/Microsoft.Resources/deployments/${name}`;
const $schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#';
const template = (rest: object = {}): object => ({ $schema, contentVersion: '1.0.0.0', resources: [], ...rest });
const body = (rest: object = {}, more: object = {}): object => ({ properties: { mode: 'Incremental', template: template(rest), ...more } }); // prettier-ignore
/** An output is worked out when everything is deployed, a name before anything is. */
const output = (value: unknown): object => ({ outputs: { o: { type: 'string', value } } });
const named = (name: string, rest: object = {}): object => ({
  resources: [{ type: 'Microsoft.Network/networkSecurityGroups', apiVersion: '2024-05-01', name, location, ...rest }],
});
const parameters = (definition: object, value: unknown): [object, object] => [
  { parameters: { p: definition } },
  { parameters: { p: { value } } },
];

beforeAll(async () => {
  azure = await startTestAzure({
    ...instant,
    timings: { ...instant.timings, deploymentStart: 2, networkSecurityGroup: 5 },
  });
  ask = async (method, path, sent) =>
    azure.ask(method, `${path}?api-version=2022-09-01`, {
      token: await azure.token('administrator'),
      ...(sent === undefined ? {} : { body: sent }),
    });
  await ask('PUT', group, { location });
});
afterAll(async () => azure.stop());

const error = z.looseObject({ code: z.string(), message: z.string() });
const errorIn = ({ body: sent }: Answer): z.infer<typeof error> => z.object({ error }).parse(sent).error;
const validationFailed = (why: string | RegExp): RegExp =>
  new RegExp(`^Deployment template validation failed: '${typeof why === 'string' ? why.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : why.source}`); // prettier-ignore

describe('before it begins', () => {
  const rows: readonly (readonly [what: string, name: string, body: object, status: number, code: string, message: RegExp])[] = [
    ['a name that is none', 'a!b', body(), 400, 'InvalidDeploymentName', /^The deployment name 'a!b' is not valid/],
    ['a template that is none', 'd', { properties: { mode: 'Incremental', template: { resources: [] } } }, 400, 'InvalidTemplate', validationFailed("The template is not valid at '$schema'")],
    ['functions of one’s own', 'd', body({ functions: [{ namespace: 'n' }] }), 400, 'NotSimulated', /^'functions' in a template is not simulated\.$/],
    ['a parameter that it has not', 'd', body({}, { parameters: { x: { value: 1 } } }), 400, 'InvalidTemplate', validationFailed("The template parameters 'x' in the parameters file are not valid")],
    ['a parameter that is not given', 'd', body({ parameters: { p: { type: 'string' } } }), 400, 'InvalidTemplate', validationFailed("The value for the template parameter 'p' at line '1' and column '1' is not provided.")],
    ['a parameter of another type', 'd', body(...parameters({ type: 'string' }, 1)), 400, 'InvalidTemplate', validationFailed("Template parameter JToken type is not valid. Expected 'string'. Actual 'number'.")],
    ['a value that is not allowed', 'd', body(...parameters({ type: 'string', allowedValues: ['a', 'b'] }, 'c')), 400, 'InvalidTemplate', validationFailed("The provided value for the template parameter 'p' is not valid. The value 'c' is not part of the allowed value(s): 'a,b'.")],
    ['a value out of range', 'd', body(...parameters({ type: 'string', maxLength: 1 }, 'cc')), 400, 'InvalidTemplate', validationFailed("The provided value for the template parameter 'p' is not valid. Its length or value is out of range.")],
    ['a secret out of a vault', 'd', body({ parameters: { p: { type: 'string' } } }, { parameters: { p: { reference: {} } } }), 400, 'NotSimulated', /^A parameter out of a key vault is not simulated\.$/],
    ['a template by link', 'd', { properties: { mode: 'Incremental', templateLink: { uri: 'https://x' } } }, 400, 'NotSimulated', /^A template or parameters by link is not simulated\.$/],
    ['a type that is not simulated', 'd', body({ resources: [{ type: 'Microsoft.Web/sites', apiVersion: '2022-03-01', name: 's' }] }), 400, 'NotSimulated', /^The resource type 'Microsoft\.Web\/sites' in a template is not simulated\.$/],
    ['a name of too many parts', 'd', body(named('a/b')), 400, 'InvalidTemplate', validationFailed("The type 'Microsoft.Network/networkSecurityGroups' and the name 'a/b' have different numbers of segments.")],
    ['two of one name', 'd', body({ resources: [named('a'), named('a')].flatMap((one) => Object.values(one) as unknown[]).flat() }), 400, 'InvalidTemplate', validationFailed("The resource 'Microsoft.Network/networkSecurityGroups/a' at line '1' and column '1' is defined multiple times in a template.")],
    ['what waits for nothing known', 'd', body(named('a', { dependsOn: ['none'] })), 400, 'InvalidTemplate', validationFailed("The resource 'none' is not defined in the template.")],
    ['what waits for itself', 'd', body(named('a', { dependsOn: ['a'] })), 400, 'InvalidTemplate', validationFailed("Circular dependency detected on resource: '")],
    ['a parameter that is not there', 'd', body(named("[parameters('none')]")), 400, 'InvalidTemplate', validationFailed("The template parameter 'none' is not found.")],
    ['a variable that is not there', 'd', body(named("[variables('none')]")), 400, 'InvalidTemplate', validationFailed("The template variable 'none' is not found.")],
    ['a function that is none', 'd', body(named('[frobnicate()]')), 400, 'InvalidTemplate', validationFailed("The template function 'frobnicate' is not valid.")],
    ['no expression', 'd', body(named("[concat('a']")), 400, 'InvalidTemplate', validationFailed(/The language expression '.*' is not valid: the string character '.*' at position '\d+' is not expected\./)],
    ['a sign that is none', 'd', body(named('[a?b]')), 400, 'InvalidTemplate', validationFailed(/The language expression 'a\?b' is not valid/)],
    ['an index out of bounds', 'd', body(named("[createArray('a')[3]]")), 400, 'InvalidTemplate', validationFailed("The language expression property array index '3' is out of bounds.")],
    ['a member that is not there', 'd', body(named("[createObject('a', 1).b]")), 400, 'InvalidTemplate', validationFailed("The language expression property 'b' doesn't exist, available properties are 'a'.")],
    ['a member of a text', 'd', body(named("[concat('a').b]")), 400, 'InvalidTemplate', validationFailed("The language expression property 'b' can't be evaluated.")],
    ['a number that is none', 'd', body(named("[string(add('a', 1))]")), 400, 'InvalidTemplate', validationFailed("The template language function expects an integer, and got 'a'.")],
    ['a list that is none', 'd', body(named("[join('a', ',')]")), 400, 'InvalidTemplate', validationFailed("The template language function expects an array, and got 'a'.")],
    ['an id without type', 'd', body(named("[resourceId('a')]")), 400, 'InvalidTemplate', validationFailed("The template function 'resourceId' needs a resource type.")],
    ['a reference too early', 'd', body(named("[reference('a')]")), 400, 'InvalidTemplate', validationFailed("The template function 'reference' is not expected at this location.")],
    ['a subnet that does not fit', 'd', body(named("[cidrSubnet('10.0.0.0/24', 16, 0)]")), 400, 'InvalidTemplate', validationFailed("The template function 'cidrSubnet' cannot take subnet 0 of /16 from '10.0.0.0/24'.")],
  ]; // prettier-ignore
  test.each(rows)('%s is refused', async (_, name, sent, status, code, message) => {
    const answer = await ask('PUT', of(name), sent);
    const told = errorIn(answer);
    expect([answer.status, told.code, answer.header('x-ms-error-code')]).toEqual([status, code, code]);
    expect(told.message).toMatch(message);
    expect((await ask('GET', of('d'))).status).toBe(404);
  });

  test('elsewhere than at a group', async () => {
    const at = async (scope: string, more: object = {}): Promise<unknown> =>
      errorIn(await ask('PUT', of('d', scope), { ...body(named("[resourceGroup().name]")), ...more })); // prettier-ignore
    expect(await at(`/subscriptions/${platform}`)).toMatchObject({ code: 'LocationRequired' });
    expect(await at(`/subscriptions/${platform}`, { location })).toMatchObject({
      code: 'InvalidTemplate',
      message: "Deployment template validation failed: 'The template function 'resourceGroup' is not valid at this scope.'.",
    }); // prettier-ignore
    const complete = { location, properties: { mode: 'Complete', template: template() } };
    expect(await at(`/subscriptions/${platform}`, complete)).toMatchObject({
      code: 'InvalidDeployment',
      message: "The mode 'Complete' is for deployments to resource groups only.",
    });
    expect(await at('/providers/Microsoft.Management/managementGroups/landing-zones')).toMatchObject({
      code: 'NotSimulated',
      message: 'A deployment at a management group or at the tenant is not simulated.',
    });
  });

  test('one or many rights that are missing', async () => {
    const reader = await azure.token('sentry-orchestrator');
    const two = { resources: ['a', 'b'].map((name) => ({ type: 'Microsoft.Authorization/locks', apiVersion: '2020-05-01', name, properties: { level: 'CanNotDelete' } })) }; // prettier-ignore
    const put = async (rest: object): Promise<unknown> =>
      errorIn(await azure.ask('PUT', `${of('rights')}?api-version=2022-09-01`, { token: reader, body: body(rest) }));
    expect(await put(two)).toMatchObject({ code: 'InvalidTemplateDeployment', message: expect.stringMatching(/^Deployment failed with multiple errors: 'Authorization failed for template resource 'a' of type 'Microsoft\.Authorization\/locks'\./) as unknown }); // prettier-ignore
    expect(await put({ resources: two.resources.slice(0, 1) })).toMatchObject({ code: 'InvalidTemplateDeployment', message: expect.stringMatching(/^The template deployment failed with error: 'Authorization failed/) as unknown }); // prettier-ignore
  });

  test('is asked and answered without doing it', async () => {
    const whatIf = { ...body(named('a'), { whatIfSettings: { resultFormat: 'ResourceIdOnly' } }) };
    expect(await ask('POST', `${of('d')}/validate`, body(named('a')))).toMatchObject({ status: 200 });
    expect(errorIn(await ask('POST', `${of('d')}/validate`, body(named('[x()]'))))).toMatchObject({ code: 'InvalidTemplate' }); // prettier-ignore
    const accepted = await ask('POST', `${of('d')}/whatIf`, whatIf);
    expect([accepted.status, accepted.body]).toEqual([202, undefined]);
    azure.advance(2);
    expect(await ask('GET', pathOf(accepted.header('location')))).toMatchObject({
      status: 200,
      body: { status: 'Succeeded', properties: { changes: [{ changeType: 'Create' }] } },
    });
    expect(errorIn(await ask('POST', `${of('d')}/whatIf`, body(named('[x()]'))))).toMatchObject({ code: 'InvalidTemplate' }); // prettier-ignore
    expect((await ask('GET', of('d'))).status).toBe(404);
  });
});

describe('while it runs', () => {
  const run = async (name: string, rest: object): Promise<unknown> => {
    expect((await ask('PUT', of(name), body(rest))).status).toBe(201);
    azure.advance(10);
    return (await ask('GET', of(name))).body;
  };
  const failed = (told: object): object => ({ properties: { provisioningState: 'Failed', error: told } });
  const details = (told: object): object => failed({ code: 'DeploymentFailed', details: [told] });

  test('an output that cannot be worked out', async () => {
    expect(await run('outputs', output("[reference('none').id]"))).toMatchObject(
      failed({ code: 'DeploymentOutputEvaluationFailed', message: "Unable to evaluate template outputs. 'The resource 'none' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details.'" }),
    ); // prettier-ignore
  });

  test('a value that cannot be worked out', async () => {
    const rest = named('late', { tags: { a: "[reference(resourceId('Microsoft.Network/networkSecurityGroups', 'late'), '2024-05-01').none]" } }); // prettier-ignore
    expect(await run('values', rest)).toMatchObject(details({ code: 'ResourceNotFound' }));
    const wrong = named('late', { tags: { a: "[reference('none').id]" } });
    const message = expect.stringMatching(/^Unable to process template language expressions for resource '.+\/late' at line '1' and column '1'\. 'The resource 'none' is not defined/) as unknown; // prettier-ignore
    expect(await run('values-2', wrong)).toMatchObject(details({ code: 'InvalidTemplate', message }));
  });

  test('a resource whose own operation fails', async () => {
    const disk = { type: 'Microsoft.Compute/disks', apiVersion: '2024-03-02', name: 'vhd', location, properties: { creationData: { createOption: 'Import', sourceUri: 'https://x/y.vhd' } } }; // prettier-ignore
    expect(await run('vhd', { resources: [disk] })).toMatchObject(
      details({
        code: 'ResourceDeploymentFailure',
        message: "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed'.",
        details: [{ code: 'DiskBlobNotFound' }],
      }),
    ); // prettier-ignore
  });

  test('one inside another', async () => {
    const inner = (options: object): object => ({ resources: [{ type: 'Microsoft.Resources/deployments', apiVersion: '2022-09-01', name: 'inner', properties: { mode: 'Incremental', template: template(named('inside')), ...options } }] }); // prettier-ignore
    expect(errorIn(await ask('PUT', of('outer'), body(inner({}))))).toMatchObject({ code: 'NotSimulated', message: 'A nested deployment whose expressions have outer scope is not simulated.' }); // prettier-ignore
    await ask('PUT', of('outer'), body(inner({ expressionEvaluationOptions: { scope: 'inner' } })));
    azure.advance(2);
    await ask('GET', of('outer'));
    expect((await ask('POST', `${of('inner')}/cancel`)).status).toBe(204);
    azure.advance(10);
    expect((await ask('GET', of('outer'))).body).toMatchObject(
      details({ code: 'ResourceDeploymentFailure', message: "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Canceled'." }),
    ); // prettier-ignore
  });
});

describe('one that there is', () => {
  test('is not made again, forgotten or cancelled at the wrong time', async () => {
    await ask('PUT', of('active'), body());
    expect(errorIn(await ask('PUT', of('active'), body()))).toMatchObject({ code: 'DeploymentActive', message: expect.stringContaining('cannot be saved, because this would overwrite an existing deployment which is still active.') as unknown }); // prettier-ignore
    const forgotten = await ask('DELETE', of('active'));
    expect([forgotten.status, errorIn(forgotten)]).toMatchObject([409, { code: 'DeploymentActive', message: "The deployment 'active' is still active and cannot be deleted." }]); // prettier-ignore
    expect((await ask('POST', `${of('active')}/cancel`)).status).toBe(204);
    const again = await ask('POST', `${of('active')}/cancel`);
    expect([again.status, errorIn(again).code]).toEqual([409, 'DeploymentCannotBeCancelled']);
  });

  test('tells its operations, its template and its status', async () => {
    const { header } = await ask('PUT', of('told'), body(named('told')));
    azure.advance(10);
    const polled = new URL(header('azure-asyncoperation')).pathname;
    expect(await ask('GET', polled)).toMatchObject({ status: 200, body: { status: 'Succeeded' } });
    expect((await ask('GET', `${group}/providers/Microsoft.Resources/deployments`)).status).toBe(200);
    const { value } = z
      .object({ value: z.array(z.looseObject({ operationId: z.string() })) })
      .parse((await ask('GET', `${of('told')}/operations`)).body);
    expect((await ask('GET', `${of('told')}/operations/${value[0]?.operationId ?? ''}`)).status).toBe(200);
    const none = await ask('GET', `${of('told')}/operations/none`);
    expect([none.status, errorIn(none)]).toMatchObject([404, { code: 'DeploymentOperationNotFound', message: "The deployment operation 'none' could not be found." }]); // prettier-ignore
    expect(await ask('POST', `${of('told')}/exportTemplate`)).toMatchObject({ status: 200, body: { template: { $schema } } }); // prettier-ignore
  });

  test.each([
    ['POST', 'cancel'],
    ['POST', 'exportTemplate'],
    ['GET', 'operations'],
    ['GET', 'operations/x'],
    ['GET', 'operationStatuses/x'],
  ])('is missed by %s %s where it is not', async (method, rest) => {
    const answer = await ask(method, `${of('none')}/${rest}`);
    expect([answer.status, errorIn(answer)]).toMatchObject([
      404,
      { code: 'DeploymentNotFound', message: "Deployment 'none' could not be found." },
    ]);
  });
});

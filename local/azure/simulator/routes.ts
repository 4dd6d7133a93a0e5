import { z } from 'zod';
import { type Azure } from '../azure';
import { powerOf } from '../compute/instanceView';
import { executor, registerExecutor } from '../compute/executor';
import { addScriptAnswer, clearScriptAnswers, scriptAnswer, scriptAnswers } from '../compute/scripts';
import { IDLE_BYTES_PER_MINUTE, setTraffic } from '../metrics/traffic';
import { applicationToken } from '../entra/principals';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { badRequest } from '../http/errors';
import { egress } from './egress';
import { allExposures } from './exposures';
import { fault } from './faults';
import { findMachine, machine, machines, machineToken } from './machines';
import { rolesHeld, whatIsLeft } from './questions';
import { reach } from './reach';

const open = (
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  handle: (call: Call) => Answer | Promise<Answer>,
): Route => ({
  method,
  path: `/_simulator${path}`,
  api: 'open',
  handle,
});

/** The simulator's own: what Azure has no API for, and rehearsals need. No token, loopback only. */
export const simulatorRoutes = (azure: Azure): readonly Route[] => [
  open('GET', '/health', () => ok({ status: 'ready' })),
  open('GET', '/requests', (call) => requests(azure, call)),
  open('GET', '/demanded', (call) => ok(azure.rbac.demanded.of(call.query('principal') ?? ''))),
  open('POST', '/demanded', () => {
    azure.rbac.demanded.forget();
    return { status: 204 };
  }),
  open('GET', '/windows', () => ok(azure.windows.all())),
  open('GET', '/exposures', () => ok(allExposures(azure))),
  open('GET', '/roles', (call) => ok(rolesHeld(azure, call.query('principal'), call.query('scope')))),
  open('GET', '/left', (call) => ok(whatIsLeft(azure, call.query('createdBy')))),
  open('GET', '/reach', (call) => reached(azure, call)),
  open('GET', '/egress', (call) => wayOut(azure, call)),
  open('GET', '/vms', (call) => virtualMachines(azure, call)),
  open('POST', '/vms/token', (call) => vmToken(azure, call)),
  open('POST', '/vms/traffic', (call) => vmTraffic(azure, call)),
  open('GET', '/vms/scripts', () => ok(scriptAnswers(azure))),
  open('POST', '/vms/scripts', (call) => {
    addScriptAnswer(azure, parseBody(scriptAnswer, call));
    return { status: 201, body: scriptAnswers(azure) };
  }),
  open('DELETE', '/vms/scripts', () => {
    clearScriptAnswers(azure);
    return { status: 204 };
  }),
  open('PUT', '/vms/executor', (call) => {
    registerExecutor(azure, parseBody(executor, call));
    return { status: 204 };
  }),
  open('POST', '/token', (call) => principalToken(azure, call)),
  open('POST', '/subscriptions', (call) => addSubscription(azure, call)),
  open('GET', '/faults', () => ok(azure.faults.list())),
  open('POST', '/faults', (call) => {
    azure.faults.add(parseBody(fault, call));
    return { status: 201, body: azure.faults.list() };
  }),
  open('DELETE', '/faults', () => {
    azure.faults.clear();
    return { status: 204 };
  }),
  open('DELETE', '/faults/:id', (call) => {
    azure.faults.clear(Number(param(call, 'id')));
    return { status: 204 };
  }),
  open('POST', '/outside', (call) => azure.hand.act(parseBody(outside, call))),
];

const filter = z.object({
  full: z.literal('true').optional(),
  throttled: z.enum(['true', 'false']).optional(),
  caller: z.string().optional(),
  after: z.coerce.number().optional(),
  limit: z.coerce.number().int().positive().optional(),
});

/** The totals; with `full=true` the requests themselves, from the sequence number `after` on. */
function requests(azure: Azure, call: Call): Answer {
  const names = ['full', 'throttled', 'caller', 'after', 'limit'] as const;
  const query = Object.fromEntries(names.map((name) => [name, call.query(name)]));
  const { full, throttled, ...rest } = parseBody(filter, { ...call, body: query });
  return ok(full === 'true' ? azure.record.all({ ...rest, throttled: throttled === 'true' }) : azure.record.summary());
}

const outside = z.strictObject({
  method: z.enum(['GET', 'PUT', 'POST', 'PATCH', 'DELETE']),
  path: z.string().startsWith('/'),
  body: z.unknown().optional(),
});

const missing = (message: string): Answer => ({ status: 404, body: { error: { code: 'NotFound', message } } });

const connection = z.object({
  address: z.union([z.ipv4(), z.ipv6()]),
  port: z.coerce.number().int().min(0).max(65_535),
  source: z.union([z.ipv4(), z.ipv6()]),
});

function reached(azure: Azure, call: Call): Answer {
  const query = { address: call.query('address'), port: call.query('port'), source: call.query('source') };
  const { address, port, source } = parseBody(connection, { ...call, body: query });
  const found = reach(azure, address, port, source);
  return found === undefined ? missing(`No network interface has the address ${address}.`) : ok(found);
}

function wayOut(azure: Azure, call: Call): Answer {
  const query = { vmId: call.query('vmId'), host: call.query('host'), port: call.query('port') };
  const schema = z.object({ vmId: z.string(), host: z.string(), port: z.coerce.number().int().min(0).max(65_535) });
  const { vmId, host, port } = parseBody(schema, { ...call, body: query });
  const vm = findMachine(azure, vmId);
  return vm === undefined ? missing(`There is no VM ${vmId}.`) : ok(egress(azure, vm, host, port));
}

function virtualMachines(azure: Azure, call: Call): Answer {
  const id = call.query('id');
  if (id === undefined) return ok(machines(azure));
  const vm = findMachine(azure, id);
  return vm === undefined ? missing(`There is no VM ${id}.`) : ok(machine(azure, vm));
}

async function vmToken(azure: Azure, call: Call): Promise<Answer> {
  const schema = z.object({ vmId: z.string(), resource: z.string(), clientId: z.string().optional() });
  const { vmId, resource, clientId } = parseBody(schema, call);
  const vm = findMachine(azure, vmId);
  if (vm === undefined) return missing(`There is no VM ${vmId}.`);
  const issued = await machineToken(azure, vm, demandAudience(azure, resource), clientId);
  if (issued === undefined)
    return { status: 400, body: { error: 'invalid_request', error_description: 'Identity not found' } };
  return ok({
    access_token: issued.token,
    expires_on: String(issued.expiresAtSeconds),
    resource,
    token_type: 'Bearer',
  });
}

/** What an appliance says that it sends from now on, on top of what any machine does. */
function vmTraffic(azure: Azure, call: Call): Answer {
  const { vmId, bytesPerMinute } = parseBody(
    z.strictObject({ vmId: z.string(), bytesPerMinute: z.number().int().min(0) }),
    call,
  );
  const vm = findMachine(azure, vmId);
  if (vm === undefined) return missing(`There is no VM ${vmId}.`);
  if (powerOf(azure, vm).power !== 'running')
    return { status: 409, body: { error: { code: 'Conflict', message: `The VM ${vmId} does not run.` } } };
  setTraffic(azure, vm, azure.now(), IDLE_BYTES_PER_MINUTE + bytesPerMinute);
  return ok({ vmId: vm.id, bytesPerMinute });
}

/** A token for one of the tenant's own principals by name: how a rehearsal plays the administrator. */
async function principalToken(azure: Azure, call: Call): Promise<Answer> {
  const { principal: name, resource } = parseBody(z.object({ principal: z.string(), resource: z.string() }), call);
  const known = azure.tenant.principals.find((one) => one.name === name);
  const principal = known === undefined ? undefined : azure.directory.byAppId('servicePrincipal', known.clientId);
  if (principal === undefined) return missing(`The tenant has no principal '${name}'.`);
  const { token, expiresAtSeconds } = await applicationToken(azure, principal, demandAudience(azure, resource));
  return ok({ access_token: token, expires_on: String(expiresAtSeconds), resource, token_type: 'Bearer' });
}

function demandAudience(azure: Azure, resource: string): string {
  const audience = azure.tokens.audienceOf(resource);
  if (audience === undefined) throw badRequest('invalid_resource', `The resource '${resource}' is not known.`);
  return audience;
}

const creation = z.strictObject({
  id: z.guid(),
  name: z.string().min(1),
  managementGroup: z.string(),
  tags: z.record(z.string(), z.string()).default({}),
});

function addSubscription(azure: Azure, call: Call): Answer {
  const asked = parseBody(creation, call);
  if (azure.hierarchy.managementGroup(asked.managementGroup) === undefined)
    return missing(`There is no management group '${asked.managementGroup}'.`);
  const isNew = azure.hierarchy.addSubscription({ ...asked, state: 'Enabled' });
  return { status: isNew ? 201 : 200, body: azure.hierarchy.subscription(asked.id) };
}

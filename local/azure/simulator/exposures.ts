/**
 * Which TCP ports were open to the Internet, from when to when, on what addresses. The network is looked at before and
 * after each write, and for the moments in between at which an operation ended: a rule that no address is behind, or
 * that another one overrules, opens nothing.
 */
import { z } from 'zod';
import { type Azure } from '../azure';
import { subscriptionOf } from '../http/paths';
import { networkInterfaces, nicProperties } from '../network/networkInterfaces';
import { addressSpaceOf } from '../network/virtualNetworks';
import { type Resource, Resources } from '../store/resources';
import { type Admission, admissions, both } from './admission';
import { groupOf, publicAddressOf, rulesInForce } from './reach';

const exposure = z.object({
  address: z.string(),
  /** `22` or `20-25`. */
  ports: z.string(),
  source: z.string(),
  except: z.array(z.string()),
  rule: z.string(),
  networkInterfaceId: z.string(),
  vmId: z.string().nullable(),
});
type Exposure = z.infer<typeof exposure>;

const row = z.object({
  sequence: z.number(),
  document: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(exposure),
  openedAt: z.number(),
  closedAt: z.number().nullable(),
});

/** Later than this from now means never. */
const FAR_MS = 365 * 24 * 3_600_000;

/** Writes that can change what is open: of the network, of VMs, of whole groups and by deployments. */
const TOUCHING =
  /^(\/subscriptions\/[^/]+\/resourcegroups\/[^/]+)($|\/providers\/microsoft\.(network|compute\/virtualmachines|resources\/deployments)\/)/i;

const touches = (path: string): string | undefined =>
  TOUCHING.test(path) ? subscriptionOf(path)?.toLowerCase() : undefined;

/** Before a write: what the clock has changed until now. */
export function beforeWrite(azure: Azure, path: string): void {
  const subscription = touches(path);
  if (subscription !== undefined) settle(azure, subscription);
}

/** One simple condition each, because OR would look at every row. */
const CHECKS = `INSERT OR IGNORE INTO exposureChecks ${['readyAt', 'goneAt']
  .flatMap((column) =>
    ['key = ?2', "key >= ?2 || '/' AND key < ?2 || '0'"].map(
      (which) =>
        `SELECT ?1, ${column} FROM resources WHERE ${which} AND type LIKE 'Microsoft.Network/%' AND ${column} > ?3 AND ${column} < ?4`,
    ),
  )
  .join(' UNION ')}`;

/** After a write: what it has changed, and the moments at which more will change. */
export function afterWrite(azure: Azure, path: string): void {
  const subscription = touches(path);
  if (subscription === undefined) return;
  const now = azure.now();
  look(azure, subscription, now);
  const isOwn = /\/providers\/microsoft\.network\//i.test(path);
  const key = (isOwn ? path : (TOUCHING.exec(path)?.[1] ?? path)).toLowerCase();
  azure.db.run(CHECKS, subscription, key, now, now + FAR_MS);
}

/** Everything that was ever open, the first first. */
export function allExposures(azure: Azure): (Exposure & { openedAt: number; closedAt: number | null })[] {
  const waiting = z.object({ subscription: z.string() });
  const due = azure.db.rows(waiting, 'SELECT DISTINCT subscription FROM exposureChecks WHERE time <= ?', azure.now());
  azure.db.transaction(() => due.forEach(({ subscription }) => settle(azure, subscription)));
  return azure.db
    .rows(row, 'SELECT sequence, document, openedAt, closedAt FROM exposures ORDER BY openedAt, sequence')
    .map(({ document, openedAt, closedAt }) => ({ ...document, openedAt, closedAt }));
}

function settle(azure: Azure, subscription: string): void {
  const until = azure.now();
  const sql = 'SELECT time FROM exposureChecks WHERE subscription = ? AND time <= ? ORDER BY time';
  const due = azure.db.rows(z.object({ time: z.number() }), sql, subscription, until);
  for (const { time } of due) look(azure, subscription, time);
  if (due.length > 0)
    azure.db.run('DELETE FROM exposureChecks WHERE subscription = ? AND time <= ?', subscription, until);
}

/** Opens and closes what is different at a moment. */
function look(azure: Azure, subscription: string, at: number): void {
  const { db } = azure;
  const found = new Set(exposuresAt(azure, subscription, at).map((one) => JSON.stringify(one)));
  const open = z.object({ sequence: z.number(), document: z.string() });
  const sql = 'SELECT sequence, document FROM exposures WHERE subscription = ? AND closedAt IS NULL';
  for (const { sequence, document } of db.rows(open, sql, subscription)) {
    if (!found.delete(document)) db.run('UPDATE exposures SET closedAt = ? WHERE sequence = ?', at, sequence);
  }
  const insert = 'INSERT INTO exposures (subscription, document, openedAt) VALUES (?, ?, ?)';
  for (const document of found) db.run(insert, subscription, document, at);
}

function exposuresAt(azure: Azure, subscription: string, at: number): Exposure[] {
  const then: Azure = { ...azure, now: () => at, resources: new Resources(azure.db, () => at) };
  const nics = then.resources.list(networkInterfaces.type, `/subscriptions/${subscription}/`);
  return nics.flatMap((nic) => ofInterface(then, nic));
}

function ofInterface(azure: Azure, nic: Resource): Exposure[] {
  const vmId = azure.resources.users(nic.id)[0]?.source ?? null;
  return nicProperties.parse(nic.document.properties).ipConfigurations.flatMap(({ properties }) => {
    const address = publicAddressOf(azure, properties.publicIPAddress?.id);
    if (address === undefined) return [];
    const { subnet, privateIPAddress = '' } = properties;
    return open(azure, nic, subnet.id, privateIPAddress).map(({ from, to, source, except, rule }) => ({
      address,
      ports: from === to ? String(from) : `${from}-${to}`,
      source,
      except: [...except],
      rule,
      networkInterfaceId: nic.id,
      vmId,
    }));
  });
}

/** A Standard public address lets nothing in that no security group allows. */
function open(azure: Azure, nic: Resource, subnetId: string, privateAddress: string): Admission[] {
  const space = addressSpaceOf(azure, subnetId);
  const groups = [groupOf(azure.resources.get(subnetId)), groupOf(nic)].flatMap((id) => id ?? []);
  const [first, ...rest] = groups.map((group) => admissions(rulesInForce(azure, group), privateAddress, space));
  return rest.reduce(both, first ?? []);
}

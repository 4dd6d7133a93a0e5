import { type Tenant } from '../../tenant';
import { type Api, type Call } from '../call';
import { armDraws, authorizationDraws, networkDraws } from './arm';
import { computeDraws } from './compute';
import { type Draw } from './draw';
import { Meter } from './meter';
import { graphDraws, quotaResets, resourceGraphDraws, vaultDraws } from './services';

/** Every limit of this Azure on how often it may be asked (azure-facts §1). */
export class Throttle {
  private readonly meter: Meter;

  constructor(
    private readonly tenant: Pick<Tenant, 'limits' | 'tenantId'>,
    private readonly now: () => number,
  ) {
    this.meter = new Meter(now);
  }

  /** Draws on every limit of a call, or throws 429 and draws on none. @returns headers for the answer */
  admit(api: Exclude<Api, 'open'>, call: Call): Record<string, string> {
    const draws = this.draws(api, call);
    for (const { key, limit, cost = 1, refuse } of draws) {
      const wait = this.meter.wait(key, limit, cost);
      if (wait > 0) throw refuse(wait);
    }
    const headers: Record<string, string> = {};
    for (const { key, limit, cost = 1, header } of draws) {
      if (cost > 0) this.meter.take(key, limit, cost);
      const told = header?.(this.meter.left(key, limit));
      if (told === undefined) continue;
      const [name, value] = told;
      const before = headers[name];
      headers[name] = before === undefined ? value : `${before},${value}`;
      if (name === 'x-ms-user-quota-remaining')
        headers['x-ms-user-quota-resets-after'] = quotaResets(this.meter.wait(key, limit, Infinity));
    }
    return headers;
  }

  private draws(api: Exclude<Api, 'open'>, call: Call): Draw[] {
    const { limits, tenantId } = this.tenant;
    if (api === 'graph') return graphDraws(call, limits, tenantId);
    if (api === 'vault') return vaultDraws(call, limits);
    const now = this.now();
    return [
      ...armDraws(call, limits),
      ...authorizationDraws(call, limits),
      ...networkDraws(call, limits),
      ...resourceGraphDraws(call, limits, now),
      ...computeDraws(call, now),
    ];
  }
}

/** What the appliance's connections meet on their way out. */
import type { Azure, Vm } from './azure';

/** Hosts that some firewall on the way does not let through, between commas. */
const blockedHostsTag = 'simulator-blocked-hosts';

/** Whether a connection to this URL gets out, past Azure's network and any firewall behind it. */
export async function getsOut(azure: Azure, vm: Vm, url: URL): Promise<boolean> {
  const blocked = vm.tags?.[blockedHostsTag]?.split(',').map((host) => host.trim()) ?? [];
  return !blocked.includes(url.hostname) && (await azure.letsOut(vm.id, url.hostname, Number(url.port) || 443));
}

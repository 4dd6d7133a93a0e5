import { z } from 'zod';
import { tracked, type Kind, type Put, shown } from '../arm/kind';
import { removeResource, store } from '../arm/resourceRoutes';
import { type Azure } from '../azure';
import { badRequest } from '../http/errors';
import { randomUUID } from '../random';
import { type Resource } from '../store/resources';
import { usersOfType } from './references';
import {
  defaultRules,
  demandFew,
  demandNoConflict,
  demandRule,
  inlineRule,
  rulesOf,
  securityRules,
} from './securityRules';

const rules = z.array(inlineRule).default([]);

export const networkSecurityGroups: Kind = {
  type: 'Microsoft.Network/networkSecurityGroups',
  timing: { put: 'networkSecurityGroup', remove: 'networkDelete' },
  schema: tracked(z.looseObject({ securityRules: rules }).default({ securityRules: [] })),
  prepare(_, { id, body, existing }) {
    const inline = rules.parse(body.properties['securityRules']);
    for (const { name, properties } of inline) demandRule(name, properties);
    demandNoConflict(inline);
    demandFew(id, inline);
    const resourceGuid = existing?.document.properties['resourceGuid'] ?? randomUUID();
    const { location, tags } = body;
    return { document: { location, ...(tags === undefined ? {} : { tags }), properties: { resourceGuid } } };
  },
  stored: replaceRules,
  computed(azure, { id }) {
    const children = rulesOf(azure, id).map(({ resource }) => shown(azure, securityRules, resource));
    const users = (type: string): { id: string }[] => usersOfType(azure, id, type).map((one) => ({ id: one.source }));
    const [networkInterfaces, subnets] = [
      users('Microsoft.Network/networkInterfaces'),
      users('Microsoft.Network/virtualNetworks/subnets'),
    ];
    return {
      securityRules: children,
      defaultSecurityRules: defaultRules.map(({ name, properties }) => ({
        name,
        id: `${id}/defaultSecurityRules/${name}`,
        type: 'Microsoft.Network/networkSecurityGroups/defaultSecurityRules',
        properties: { provisioningState: 'Succeeded', ...properties },
      })),
      ...(networkInterfaces.length > 0 ? { networkInterfaces } : {}),
      ...(subnets.length > 0 ? { subnets } : {}),
    };
  },
  demandUnused(azure, { id }) {
    const users = azure.resources.users(id).map(({ source }) => source);
    if (users.length === 0) return;
    throw badRequest(
      'InUseNetworkSecurityGroupCannotBeDeleted',
      `Network security group ${id} cannot be deleted because it is in use by the following resources: ${users.join(', ')}. In order to delete the Network security group, remove the association with the resource(s). To learn how to do this, see aka.ms/deletensg.`,
    );
  },
  removed(azure, { id }, goneAt) {
    for (const { name } of rulesOf(azure, id)) azure.windows.close(id, name, goneAt);
  },
};

/** A PUT replaces: a rule that it does not name is gone. */
function replaceRules(azure: Azure, { id }: Resource, put: Put): void {
  const inline = rules.parse(put.body.properties['securityRules']);
  const kept = new Set(inline.map(({ name }) => name.toLowerCase()));
  for (const { name, resource } of rulesOf(azure, id)) {
    // One that stays is only cleared away: two rules may swap their priorities, and its window stays open.
    if (kept.has(name.toLowerCase())) azure.resources.remove(resource.id, azure.now());
    else removeResource(azure, securityRules, resource, azure.now());
  }
  for (const { name, properties } of inline) {
    const ruleId = `${id}/securityRules/${name}`;
    store(azure, securityRules, { ...put, id: ruleId, name, body: { properties }, existing: undefined });
  }
}

import { z } from 'zod';
import { tracked, type Kind } from '../arm/kind';
import { doneAt } from '../azure';
import { randomUUID } from '../random';

const ids = z.looseObject({ principalId: z.string(), clientId: z.string() });

/** Synchronous; its service principal appears in the directory only after replication (azure-facts §5). */
export const userAssignedIdentities: Kind = {
  type: 'Microsoft.ManagedIdentity/userAssignedIdentities',
  plain: true,
  merges: true,
  schema: tracked(z.record(z.string(), z.unknown()).default({})),
  prepare(azure, { body, existing }) {
    const own = existing?.document.properties ?? {
      tenantId: azure.tenant.tenantId,
      principalId: randomUUID(),
      clientId: randomUUID(),
    };
    const { location, tags } = body;
    return { document: { location, ...(tags === undefined ? {} : { tags }), properties: own } };
  },
  stored(azure, { id, document }, { name, existing }) {
    if (existing !== undefined) return;
    const { principalId, clientId } = ids.parse(document.properties);
    azure.directory.add({
      id: principalId,
      kind: 'servicePrincipal',
      appId: clientId,
      document: {
        displayName: name,
        servicePrincipalType: 'ManagedIdentity',
        alternativeNames: ['isExplicit=True', id],
        servicePrincipalNames: [clientId],
        accountEnabled: true,
      },
      owner: null,
      createdAt: azure.now(),
      visibleAt: doneAt(azure, 'directoryReplication'),
      deletedAt: null,
    });
  },
  removed(azure, { document }) {
    azure.directory.remove(ids.parse(document.properties).principalId);
  },
};

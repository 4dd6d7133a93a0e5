import type { Azure, Inspection } from '../azure/ports';
import { readOfScope } from '../domain/preflight/areas';
import { checkScope, type Look } from '../domain/preflight/subscriptions';
import type { activities, HandlerOf } from './contracts';
import { inspected, isForbidden } from './inspected';

/** Looks at each scope that roles are to be granted at: one read each. Writes nothing. */
export const makeInspectScopes =
  ({ inspection }: Azure): HandlerOf<typeof activities.inspectScopes> =>
  ({ scopes, roles }) =>
    Promise.all(
      scopes.map((one) =>
        inspected(
          readOfScope(one.scope),
          () => inspection.identity(),
          async () => {
            const [{ objectId }, look] = await Promise.all([inspection.identity(), lookAt(inspection, one.scope)]);
            return { findings: checkScope(one, look, roles, objectId) };
          },
        ),
      ),
    );

async function lookAt(inspection: Inspection, scope: string): Promise<Look> {
  try {
    const permissions = await inspection.permissions(scope);
    return permissions ? { kind: 'seen', permissions } : { kind: 'absent' };
  } catch (error) {
    if (isForbidden(error)) return { kind: 'forbidden', reason: error.outcome.reason };
    throw error;
  }
}

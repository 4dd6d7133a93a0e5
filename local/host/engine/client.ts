/** What a durable client may ask of the engine. HTTP stands in front of it; tests call it as it is. */
import { randomUUID } from 'node:crypto';
import { type Core, isEntityId, newId, type Outbox } from './core';
import { releaseLocks } from './entityLocks';
import { type EntityId, entityInstanceId, postRequest } from './entityMessages';
import { entityState, purgeEntity } from './entityTurn';
import { EVENT, type HistoryRow, makeEvent } from './history';
import { rewind } from './rewind';
import { type Instance, type InstanceFilter, isTerminal, type RuntimeStatus } from './store';
import { alreadyExists, unknownFunction } from './texts';

/** `argument`: the request is wrong. `state`: it does not fit the state that the instance is in. */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    readonly kind: 'argument' | 'state',
    message: string,
  ) {
    super(message);
  }
}

/** `gone`: the instance has ended. */
export type Delivery = 'accepted' | 'notFound' | 'gone';

interface StartRequest {
  readonly name: string;
  readonly instanceId?: string | undefined;
  /** JSON text, or null for no input. */
  readonly input: string | null;
  readonly version?: string | undefined;
}

export interface EngineClient {
  /** @returns the instance's id. @throws Refused for an unknown function, a bad id, or an id that is in use */
  start(request: StartRequest): string;
  /** @param json the event as JSON text, kept as it is */
  raiseEvent(instanceId: string, name: string, json: string): Delivery;
  terminate(instanceId: string, reason: string | null): Delivery;
  /** @throws Refused if it is suspended already */
  suspend(instanceId: string, reason: string | null): Delivery;
  /** @throws Refused if it is not suspended */
  resume(instanceId: string, reason: string | null): Delivery;
  /** Runs a failed instance on from where it failed. @throws Refused if it has not failed or ended otherwise */
  rewind(instanceId: string, reason: string | null): Delivery;
  /**
   * Starts an instance's function again with its input, under a new id or in place of the instance itself.
   * @returns the id. @throws Refused if there is no such instance, or it may not be replaced
   */
  restart(instanceId: string, options: { newId: boolean; version: string | undefined }): string;
  /** @returns how many were forgotten: one, or none */
  purge(instanceId: string): number;
  /** Forgets instances that have ended; Azure would take running ones as well (contract 12). */
  purgeBy(filter: InstanceFilter): number;
  /** @throws Refused for an unknown entity */
  signalEntity(entity: EntityId, operation: string, input: string | null): void;
  /** The state as JSON text, or undefined where there is none. */
  entityState(entity: EntityId): string | undefined;
  instance(id: string): Instance | undefined;
  history(id: string): readonly HistoryRow[];
  list(filter: InstanceFilter): Instance[];
  /** Resolves when all that was accepted and told so far is on disk. */
  flushed(): Promise<void>;
}

const ENDED: readonly RuntimeStatus[] = ['Completed', 'Failed', 'Canceled', 'Terminated'];

export function makeClient(core: Core, flushed: () => Promise<void>): EngineClient {
  const { state } = core;

  const deliver = (id: string, send: (instance: Instance) => void): Delivery => {
    const instance = state.instance(id);
    if (!instance) return 'notFound';
    if (isTerminal(instance.status)) return 'gone';
    // An entity reads operations only; anything else would stop it.
    if (isEntityId(id)) throw new Refused('argument', `'${id}' is an entity, not an orchestration.`);
    send(instance);
    return 'accepted';
  };
  const post = (id: string, type: number, fields: Readonly<Record<string, unknown>>): void =>
    core.commit((outbox) => outbox.post(id, makeEvent(type, outbox.now, fields)));

  return {
    start: (request) => start(core, request),
    raiseEvent: (id, name, json) =>
      deliver(id, () => post(id, EVENT.eventRaised, { Name: name, Input: json, ParentTraceContext: null })),
    terminate: (id, reason) => deliver(id, () => post(id, EVENT.executionTerminated, { Input: reason })),
    suspend: (id, reason) =>
      deliver(id, ({ status }) => {
        if (status === 'Suspended') throw wrongState('suspend', id, status);
        post(id, EVENT.executionSuspended, { Reason: reason });
      }),
    resume: (id, reason) =>
      deliver(id, ({ status }) => {
        if (status !== 'Suspended') throw wrongState('resume', id, status);
        post(id, EVENT.executionResumed, { Reason: reason });
      }),
    rewind(id, reason) {
      const instance = state.instance(id);
      if (!instance) return 'notFound';
      if (instance.status === 'Failed') core.commit((outbox) => rewind(core.state, outbox, instance, reason));
      else if (isTerminal(instance.status)) return 'gone';
      else throw new Refused('state', 'The rewind operation is only supported on failed orchestration instances.');
      return 'accepted';
    },
    restart(id, { newId, version }) {
      const instance = state.instance(id);
      // The misspelling is Azure's.
      if (!instance) throw new Refused('argument', `An orchestrastion with the instanceId ${id} was not found.`);
      const { name, input } = instance;
      return start(core, { name, input, version, instanceId: newId ? undefined : id });
    },
    purge(id) {
      if (!state.instance(id)) return 0;
      core.commit((outbox) => purge(outbox, id));
      return 1;
    },
    purgeBy(filter) {
      const named = filter.statuses?.filter((status) => ENDED.includes(status)) ?? [];
      // Azure takes all there is, running or not, when it is given no state in which an instance has ended (contract 12).
      const statuses = named.length > 0 ? named : core.ports.strict ? undefined : ENDED;
      const ended = state.instances({ ...filter, statuses });
      core.commit((outbox) => ended.forEach(({ id }) => purge(outbox, id)));
      return ended.length;
    },
    signalEntity(entity, operation, input) {
      if (core.find('entity', entity.name) === undefined) {
        throw new Refused('argument', unknownFunction('entity', entity.name, core.ports.functions('entity')));
      }
      const request = { id: randomUUID(), operation, input, signal: true };
      core.commit((outbox) => postRequest(outbox, entityInstanceId(entity), { ...request, sentAt: outbox.now }));
    },
    entityState(entity) {
      const instance = state.instance(entityInstanceId(entity));
      return instance && entityState(instance);
    },
    instance: (id) => state.instance(id),
    history: (id) => state.history(id).rows,
    list: (filter) => state.instances(filter),
    flushed,
  };
}

function purge(outbox: Outbox, id: string): void {
  if (isEntityId(id)) return purgeEntity(outbox, id);
  releaseLocks(outbox, id);
  outbox.write((state) => state.delete(id));
}

const wrongState = (operation: string, id: string, status: string): Refused =>
  new Refused(
    'state',
    `Cannot ${operation} the orchestration instance ${id} because instance is in the ${status} state.`,
  );

/** Azure's rules for ids, with its sentences (contract 7.3). */
// eslint-disable-next-line no-control-regex -- control characters are what the rule is about
const FORBIDDEN_IN_ID = /[/\\#?\u0000-\u001f\u007f]/;
function checkId(id: string): void {
  const inParameter = (rule: string): string => `instanceId (Parameter 'Orchestration instance ids must not ${rule}')`;
  if (id.length > 256) throw new Refused('argument', 'Instance ID lengths must not exceed 256 characters.');
  if (isEntityId(id)) throw new Refused('argument', inParameter('start with @.'));
  if (FORBIDDEN_IN_ID.test(id))
    throw new Refused('argument', inParameter('contain /, \\, #, ?, or control characters.'));
}

function start(core: Core, { name, instanceId, input, version = '' }: StartRequest): string {
  const registered = core.find('orchestrator', name);
  if (registered === undefined) {
    throw new Refused('argument', unknownFunction('orchestrator', name, core.ports.functions('orchestrator')));
  }
  const id = instanceId === undefined || instanceId === '' ? newId() : instanceId;
  checkId(id);
  return core.commit((outbox) => {
    const existing = outbox.instance(id);
    if (existing && !isTerminal(existing.status)) throw new Refused('state', alreadyExists(existing.status));
    outbox.start({ id, name: registered, version, input, parent: null });
    return id;
  });
}

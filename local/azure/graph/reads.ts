/** Reading a set of the directory: all of it, how many, one. */
import { type Azure } from '../azure';
import { type Call, ok, type Route } from '../http/call';
import { type Item } from '../http/odataFilter';
import { type Entry } from '../store/directory';
import { demand } from './access';
import { collection, demandCountable, entity, type Expansions, filtered } from './odata';

interface EntitySet {
  readonly name: string;
  readonly kind: Entry['kind'];
  readonly shown: (azure: Azure, entry: Entry) => Item;
  readonly find: (azure: Azure, call: Call) => Entry;
  readonly expansions: (azure: Azure) => Expansions;
}

export function readRoutes(azure: Azure, { name, kind, shown, find, expansions }: EntitySet): readonly Route[] {
  const everyOne = (): Item[] => azure.directory.list(kind).map((entry) => shown(azure, entry));
  const reads: readonly (readonly [path: string, answer: (call: Call) => unknown])[] = [
    ['', (call) => collection(call, azure.origin, name, everyOne(), expansions(azure))],
    ['/:id', (call) => entity(call, azure.origin, name, shown(azure, find(azure, call)), expansions(azure))],
    [
      '/$count',
      (call) => {
        demandCountable(call);
        return filtered(call, everyOne()).length;
      },
    ],
  ];
  return reads.map(([path, answer]) => ({
    method: 'GET',
    path: `/v1.0/${name}${path}`,
    api: 'graph',
    handle: (call) => {
      demand(call, 'read');
      return ok(answer(call));
    },
  }));
}

/** Hello cities: three activities in a row, one instance at a time and a hundred at once, and a hundred through HTTP. */
import { join } from 'node:path';
import { openEngine } from './engine';
import { interleave, progress, rate, type Scale } from './measure';
import { openPeer } from './peer';
import { startHost, startLoad } from './processes';
import { type Row } from './report';

const AT_ONCE = 100;
const ROUND_MS = 700;
const WARM_UP_MS = 3_000;

export async function hello(scratch: string, { rounds }: Scale): Promise<Row[]> {
  const ours = await openEngine(join(scratch, 'hello.db'));
  const inMemory = await openEngine(':memory:');
  const peer = openPeer();
  const host = await startHost(join(scratch, 'http'));
  const load = startLoad(host.url);
  const say = (engine: Pick<typeof peer, 'run'>, atOnce: number) => () =>
    rate(ROUND_MS, () => engine.run('helloCities', atOnce));
  const http = () => rate(ROUND_MS, () => load.run(AT_ONCE));

  progress('hello cities: warming up');
  const warmUp = (engine: Pick<typeof peer, 'run'>) => rate(WARM_UP_MS, () => engine.run('helloCities', AT_ONCE));
  await warmUp(ours);
  await warmUp(inMemory);
  await peer.awake(() => warmUp(peer));
  await rate(WARM_UP_MS, () => load.run(AT_ONCE));
  progress('hello cities: one at a time');
  const single = await interleave(rounds, {
    ours: say(ours, 1),
    inMemory: say(inMemory, 1),
    peer: () => peer.awake(say(peer, 1)),
  });
  progress('hello cities: a hundred at once');
  const many = await interleave(rounds, {
    ours: say(ours, AT_ONCE),
    inMemory: say(inMemory, AT_ONCE),
    peer: () => peer.awake(say(peer, AT_ONCE)),
    http,
  });
  await Promise.all([ours.close(), inMemory.close(), load.stop().then(() => host.stop())]);

  const unit = 'instances/s';
  return [
    { what: 'hello cities, one at a time', unit, ...single, ratio: single.ours / single.peer },
    {
      what: 'hello cities, 100 at once',
      unit,
      ours: many.ours,
      inMemory: many.inMemory,
      peer: many.peer,
      ratio: many.ours / many.peer,
      goal: '≥ 0.3 of the peer',
    },
    {
      what: '  through HTTP and the durable client',
      unit,
      ours: many.http,
      ratio: many.http / many.ours,
      goal: '≥ 0.5 of the engine',
    },
  ];
}

/** One orchestrator with many activities: answers that trickle in, and activities that take their time. */
import { join } from 'node:path';
import { type BenchEngine, openEngine } from './engine';
import { median, progress, time, type Scale } from './measure';
import { openPeer, type Peer } from './peer';
import { type Row } from './report';

/** A row that takes longer is measured once. */
const LONG_MS = 5_000;
/** When 2,000 take longer, 5,000 would take minutes: no figure then. */
const PATIENCE_MS = 15_000;

export async function fanOut(scratch: string, { rounds, slowPeer }: Scale): Promise<Row[]> {
  const ours = await openEngine(join(scratch, 'fanOut.db'));
  const peer = openPeer();
  progress('fan-out: warming up');
  await ours.run('drips', 3, 100);
  await peer.awake(() => peer.run('drips', 3, 100));
  const took = async (size: number, withPeer: boolean) => {
    progress(`fan-out: ${size} activities`);
    const times: Record<'ours' | 'peer', number[]> = { ours: [], peer: [] };
    for (let round = 0; round < rounds; round++) {
      if (!isLong(times.ours)) times.ours.push(await time(() => ours.run('drips', 1, size)));
      if (withPeer && !isLong(times.peer))
        times.peer.push(await peer.awake(() => time(() => peer.run('drips', 1, size))));
    }
    return { ours: median(times.ours), peer: withPeer ? median(times.peer) : undefined };
  };
  const few = await took(500, true);
  const some = await took(2_000, slowPeer);
  const many = some.ours > PATIENCE_MS ? { ours: NaN, peer: undefined } : await took(5_000, false);
  await ours.close();

  const row = (size: number, { ours: mine, peer: theirs }: typeof few): Row => ({
    what: `fan-out of ${size.toLocaleString('en')}, answers one by one`,
    unit: 'ms',
    ours: mine,
    peer: theirs,
    ratio: theirs === undefined ? undefined : theirs / mine,
  });
  return [
    row(500, few),
    { ...row(2_000, some), goal: 'faster than the peer' },
    { ...row(5_000, many), goal: 'faster than the peer at 2,000' },
    {
      what: '  growth from 500 to 5,000, linear is 10',
      unit: 'times',
      ours: many.ours / few.ours,
      ratio: many.ours / few.ours / 10,
      goal: '≤ 1.5 of linear',
    },
  ];
}

const isLong = (times: readonly number[]): boolean => (times[0] ?? 0) > LONG_MS;

const NAPS = 200;
/** host.json of the bench app lets 100 run at once, so two rounds of 100 ms are the least. */
const LEAST_MS = 200;

export async function naps(scratch: string, { rounds, slowPeer }: Scale): Promise<Row[]> {
  progress(`${NAPS} activities of 100 ms`);
  const ours = await openEngine(join(scratch, 'naps.db'));
  const once = (engine: BenchEngine | Peer) => time(() => engine.run('naps', 1, NAPS));
  await once(ours);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await once(ours));
  await ours.close();
  const peer = openPeer();
  const theirs = slowPeer ? await peer.awake(() => once(peer)) : undefined;
  const mine = median(times);
  return [
    {
      what: '200 activities of 100 ms, 100 at once (200 ms)',
      unit: 'ms',
      ours: mine,
      peer: theirs,
      ratio: mine / LEAST_MS,
      goal: 'near 1 of the least possible',
    },
  ];
}

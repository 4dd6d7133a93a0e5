/** A process of its own: runs many instances and says how much memory it takes meanwhile. `node soak.js <database> <count>` */
import { openEngine } from './engine';

const BATCH = 500;
/** At a tenth, the half, and the end. */
const LOOKS = [0.1, 0.5, 1];

async function main(file: string, count: number): Promise<void> {
  const engine = await openEngine(file);
  for (let done = 0; done < count;) {
    done += await engine.run('helloCities', BATCH);
    if (!LOOKS.some((part) => done === part * count)) continue;
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    process.send?.({ done, rss, heapUsed });
  }
  await engine.close();
}

void main(process.argv[2] ?? ':memory:', Number(process.argv[3]));

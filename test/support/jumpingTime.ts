/** Time that stands still while anything happens, and jumps to the next timer when nothing does. */
import { chanceOf } from '../../local/azure/random';
import FakeTimers, { type Clock } from '@sinonjs/fake-timers';

const realRandom = Math.random;
const realImmediate = globalThis.setImmediate;
const nextRound = (): Promise<void> => new Promise((resolve) => void realImmediate(resolve));

export class JumpingTime {
  /** Work that the event loop does not show: Node's crypto signs in threads. */
  private inFlight = 0;

  private constructor(private readonly clock: Clock) {}

  /**
   * From here on `Date` and the timers of this process are faked. What only puts off work to the next round stays real.
   * `Math.random` comes from the seed: the SDKs draw the length of their pauses with it.
   */
  static start(now: number, seed: string): JumpingTime {
    const toFake = ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const;
    let drawn = 0;
    Math.random = () => chanceOf(seed, `random ${drawn++}`);
    return new JumpingTime(FakeTimers.install({ now, toFake: [...toFake] }));
  }

  end(): void {
    Math.random = realRandom;
    this.clock.uninstall();
  }

  /** Time does not jump until the work is done. */
  async inside<T>(work: () => Promise<T>): Promise<T> {
    this.inFlight += 1;
    try {
      return await work();
    } finally {
      this.inFlight -= 1;
    }
  }

  /** Lets time jump until the work is done. @throws when it waits for nothing, or for longer than `limitMs` */
  async until<T>(work: Promise<T>, limitMs: number): Promise<T> {
    let isDone = false;
    const ended = work.finally(() => (isDone = true));
    ended.catch(() => undefined);
    const deadline = this.clock.now + limitMs;
    for (;;) {
      do await nextRound();
      while (this.inFlight > 0 || hasMoreToDo());
      if (isDone) return ended;
      if (this.clock.countTimers() === 0) throw new Error('Nothing is left to happen, and the run is not over.');
      if (this.clock.now > deadline) throw new Error(`The run is not over after ${limitMs / 1_000} s of its own time.`);
      this.clock.next();
    }
  }
}

/** Whether something was put off to the next round of the event loop. */
const hasMoreToDo = (): boolean => process.getActiveResourcesInfo().includes('Immediate');

/** The engine's clock in tests: time stands still until it is told to jump. */
import { type Clock } from '../../local/host/engine/clock';

export class VirtualClock implements Clock {
  private readonly alarms = new Set<{ readonly at: number; readonly fire: () => void }>();
  constructor(protected time: number) {}

  now(): number {
    return this.time;
  }
  at(epochMs: number, fire: () => void): () => void {
    const alarm = { at: epochMs, fire };
    this.alarms.add(alarm);
    return () => this.alarms.delete(alarm);
  }
  /** Jumps to the earliest alarm. False when there is none. */
  jump(): boolean {
    const [next] = [...this.alarms].sort((a, b) => a.at - b.at);
    if (!next) return false;
    this.alarms.delete(next);
    this.time = Math.max(this.time, next.at);
    next.fire();
    return true;
  }
}

/** The time of this Azure. What is due between two requests is done at its own time, not at that of the next request. */
export class Clock {
  private fixed: number | undefined;

  constructor(private readonly real: () => number) {}

  readonly now = (): number => this.fixed ?? this.real();

  /** Does `work` as if it were `time`; not nested. */
  at(time: number, work: () => void): void {
    this.fixed = time;
    try {
      work();
    } finally {
      this.fixed = undefined;
    }
  }
}

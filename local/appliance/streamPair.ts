/** Two streams, each of which reads what the other writes: a connection without a socket. */
import { Duplex } from 'node:stream';

/**
 * What one end writes arrives at the other in a later round of the event loop, as it would from a socket. Node's own
 * `duplexPair` delivers at once, and ssh2 then gets an answer before it has noted its question: its key exchange fails.
 */
export function streamPair(): readonly [Duplex, Duplex] {
  const ends: readonly [End, End] = [new End(() => ends[1]), new End(() => ends[0])];
  return ends;
}

class End extends Duplex {
  /** Tells the writer that the reader wants more. */
  #wanted: (() => void) | undefined;

  constructor(private readonly other: () => End) {
    // A connection that one end has closed is over, as with a net.Socket.
    super({ allowHalfOpen: false });
  }

  override _read(): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    wanted?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    setImmediate(() => this.other().#take(chunk, done));
  }

  override _final(done: () => void): void {
    setImmediate(() => {
      this.other().#take(null, done);
    });
  }

  /** A cut connection ends for both. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const other = this.other();
    setImmediate(() => {
      if (!other.destroyed) other.destroy();
    });
    done(error);
  }

  #take(chunk: Buffer | null, done: () => void): void {
    if (this.destroyed || this.push(chunk) || chunk === null) done();
    else this.#wanted = done;
  }
}

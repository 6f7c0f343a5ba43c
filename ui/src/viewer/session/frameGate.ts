/**
 * Lets the first of each frame through at once and keeps the newest of the rest for the next frame: no delay for a
 * single move, and never more messages than the screen has frames.
 */
export class FrameGate<T> {
  private waiting = false;
  private kept: T | null = null;
  private readonly pass: (value: T) => void;
  private readonly merge: (kept: T, value: T) => T;
  private readonly nextFrame: (then: () => void) => void;

  constructor(
    pass: (value: T) => void,
    merge: (kept: T, value: T) => T,
    nextFrame: (then: () => void) => void = requestAnimationFrame,
  ) {
    this.pass = pass;
    this.merge = merge;
    this.nextFrame = (then) => nextFrame(then);
  }

  offer(value: T): void {
    if (this.waiting) {
      this.kept = this.kept === null ? value : this.merge(this.kept, value);
      return;
    }
    this.pass(value);
    this.close();
  }

  /** Passes on what is kept before something that must come after it. */
  flush(): void {
    const kept = this.kept;
    this.kept = null;
    if (kept !== null) this.pass(kept);
  }

  private close(): void {
    this.waiting = true;
    this.nextFrame(() => {
      this.waiting = false;
      if (this.kept === null) return;
      this.flush();
      this.close();
    });
  }
}

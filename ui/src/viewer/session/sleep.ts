// Notices that the machine has slept: a lid that was closed, a phone in a pocket. A clock that ticks each second has jumped.

const TICK_MS = 1_000;
/** A busy page ticks late by some seconds, but no more. */
const SLEPT_MS = 10_000;

/** How long the machine slept between two ticks; 0 is not at all. */
export function sleptMs(previousMs: number, nowMs: number): number {
  const late = nowMs - previousMs - TICK_MS;
  return late >= SLEPT_MS ? late : 0;
}

/**
 * Calls after each sleep, within a second of waking. Hidden pages tick as seldom as the browser likes: nothing is made of that, as they
 * are told when they are shown again.
 */
export function watchSleep(onWake: () => void): void {
  let previous = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (sleptMs(previous, now) > 0 && !document.hidden) onWake();
    previous = now;
  }, TICK_MS);
}

import { useSyncExternalStore } from 'react';

/** While nobody listens the clock is read anew, as coarsely as keeps two readings of one drawing the same. */
const GRAIN_MS = 250;

let now = read();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function read(): number {
  return Math.floor(Date.now() / GRAIN_MS) * GRAIN_MS;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) now = read();
  timer ??= setInterval(() => {
    now = read();
    listeners.forEach((tell) => tell());
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The wall clock, once a second, one timer for the whole page. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => (timer === undefined ? read() : now));
}

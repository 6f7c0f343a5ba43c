/** The first pause is short, since most breaks are: a switch of networks, a restarted node. */
const FIRST_MS = 250;
/** Nobody should wait longer than this for a server that is back. */
const LONGEST_MS = 5_000;
/** Gentle growth: a node that restarts within two seconds is met within three. */
const GROWTH = 1.6;

/**
 * How long to wait before try `attempt` (0 is the first try after a loss).
 * `spread` (0–1, random) moves it by up to a fifth, so that the viewers of a machine do not come back in one instant.
 */
export function backoffMs(attempt: number, spread = 0.5): number {
  const pause = Math.min(LONGEST_MS, FIRST_MS * GROWTH ** attempt);
  return Math.round(pause * (0.8 + 0.4 * spread));
}

// How long a recording has been going on. Pure.

import type { ToldScene } from '@shared/protocol';

/** Our clock's moment at which the recording began: the node's clock and ours may differ. `null` while nothing is recorded. */
export function beganAt(scene: ToldScene, heardMs: number): number | null {
  if (scene.recorder !== 'recording' || scene.recorder_since === undefined) return null;
  return heardMs - Math.max(0, scene.told - scene.recorder_since);
}

/** "0:07", "12:34", "1:02:03" */
export function timerWords(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1_000));
  const two = (figure: number) => String(figure).padStart(2, '0');
  const hours = Math.floor(s / 3_600);
  const minutes = Math.floor((s % 3_600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

// When velocities are said. Pure.
//
// They travel unordered and unacknowledged: what still holds is said again before the server takes silence for a stop, and
// a stop is said several times.

import type { Velocities } from '@shared/protocol';

import { isRest, REST, same } from './velocities';

/** `rests`: so often a stop is still to be said. */
export type Voice = { said: Velocities; at: number; rests: number };

export const silent: Voice = { said: REST, at: -Infinity, rests: 0 };

/** Screens of 120 or 240 Hz have more frames than the program. */
const PACE_MS = 12;
/** The server stops the camera after 250 ms of silence. */
const AGAIN_MS = 100;
const RESTS = 2;
const REST_AGAIN_MS = 40;

export function speak(
  voice: Voice,
  wanted: Velocities,
  now: number,
): { voice: Voice; say: Velocities | null } {
  const since = now - voice.at;
  if (!same(wanted, voice.said)) {
    if (isRest(wanted)) return say(wanted, now, RESTS);
    return since >= PACE_MS ? say(wanted, now) : { voice, say: null };
  }
  if (!isRest(wanted)) return since >= AGAIN_MS ? say(wanted, now) : { voice, say: null };
  const due = voice.rests > 0 && since >= REST_AGAIN_MS;
  return due ? say(wanted, now, voice.rests - 1) : { voice, say: null };
}

export function hasMoreToSay(voice: Voice): boolean {
  return !isRest(voice.said) || voice.rests > 0;
}

function say(wanted: Velocities, now: number, rests = 0): { voice: Voice; say: Velocities } {
  return { voice: { said: wanted, at: now, rests }, say: wanted };
}

// What fingers on the picture mean for the camera. Pure.
//
// As OpenSpace reads them on a touch screen of its own: one finger turns around what is looked at, two that come apart go
// closer and roll by their twist, two that move alike look around; here three do so, too. As there, how far a finger is
// from where it came down is how fast the camera moves, so that a journey to the edge of the solar system needs no
// hundred strokes; only there the looking around stops with the finger. Momentum is the program's own.

import type { Point, Velocities } from '@shared/protocol';

import { REST } from './velocities';

type Finger = { id: number; from: Point; at: Point };

/** What several fingers do: not to be told yet, moving alike, or about each other. */
type Meaning = 'open' | 'alike' | 'about';

export type Hold = { fingers: readonly Finger[]; meaning: Meaning; tap: { since: number } | null };

/** Places are in pixels of the page. */
export type Touch = { type: 'down' | 'move' | 'up'; id: number; at: Point; now: number };

export const released: Hold = { fingers: [], meaning: 'open', tap: null };

/** A finger that rests shakes by so many pixels. */
const STILL_PX = 8;
/** A finger that has gone so far alone does not wait for the second one. */
const ALONE_PX = 28;
/** Fingers move alike when their ways have less than about 45° between them. */
const ALIKE_COSINE = 0.7;
const TAP_MS = 300;

/** Of the picture's height: a full velocity, as in OpenSpace. */
const TURN_REACH = 1 / 3;
const PINCH_REACH = 1 / 5;
const PINCH_STILL = 1 / 60;
/** Radians. */
const TWIST_REACH = 1;
const TWIST_STILL = 0.1;

/** What a touch leads to; `tapped` where it was a short one that did not move. */
export function touched(hold: Hold, touch: Touch): { hold: Hold; tapped: boolean } {
  switch (touch.type) {
    case 'down':
      return { hold: down(hold, touch), tapped: false };
    case 'move':
      return { hold: move(hold, touch), tapped: false };
    case 'up': {
      const tapped = hold.tap !== null && touch.now - hold.tap.since <= TAP_MS && has(hold, touch.id);
      return { hold: { ...again(hold.fingers.filter(({ id }) => id !== touch.id)), tap: null }, tapped };
    }
  }
}

export function has(hold: Hold, id: number): boolean {
  return hold.fingers.some((finger) => finger.id === id);
}

export function velocitiesOf(hold: Hold, height: number): Velocities {
  const { fingers, meaning } = hold;
  if (height <= 0) return REST;
  if (fingers.length === 1) return { ...REST, orbit: drag(fingers, height) };
  if (fingers.length === 2 && meaning === 'about') return about(fingers, height);
  if (fingers.length === 3 || meaning === 'alike') return { ...REST, pan: drag(fingers, height) };
  return REST;
}

function down(hold: Hold, { id, at, now }: Touch): Hold {
  const others = hold.fingers.filter((finger) => finger.id !== id);
  const tap = others.length === 0 ? { since: now } : null;
  return { ...again([...others, { id, from: at, at }]), tap };
}

/** Another number of fingers begins anew: nothing jumps because one came or went. */
function again(fingers: readonly Finger[]): Omit<Hold, 'tap'> {
  return { fingers: fingers.map(({ id, at }) => ({ id, from: at, at })), meaning: 'open' };
}

function move(hold: Hold, { id, at }: Touch): Hold {
  if (!has(hold, id)) return hold;
  const fingers = hold.fingers.map((finger) => (finger.id === id ? { ...finger, at } : finger));
  const tap = fingers.every((finger) => length(way(finger)) <= STILL_PX) ? hold.tap : null;
  const meaning = hold.meaning === 'open' && fingers.length === 2 ? meaningOf(fingers) : hold.meaning;
  return { fingers, meaning, tap };
}

/** Fingers that do the same are told one after the other, so one that moves alone is waited for. */
function meaningOf(fingers: readonly Finger[]): Meaning {
  const [a, b] = fingers.map(way) as [Point, Point];
  const [less, more] = [length(a), length(b)].sort((x, y) => x - y) as [number, number];
  if (less > STILL_PX / 2) {
    if (more <= STILL_PX) return 'open';
    return (a.x * b.x + a.y * b.y) / (less * more) > ALIKE_COSINE ? 'alike' : 'about';
  }
  return more > ALONE_PX ? 'about' : 'open';
}

function drag(fingers: readonly Finger[], height: number): [number, number] {
  const ways = fingers.map(way);
  const x = ways.reduce((sum, one) => sum + one.x, 0) / ways.length;
  const y = ways.reduce((sum, one) => sum + one.y, 0) / ways.length;
  const far = Math.hypot(x, y);
  if (far === 0) return [0, 0];
  const fast = ramp(far, STILL_PX, height * TURN_REACH);
  return [(x / far) * fast, (y / far) * fast];
}

function about(fingers: readonly Finger[], height: number): Velocities {
  const [a, b] = fingers as [Finger, Finger];
  const before = { x: b.from.x - a.from.x, y: b.from.y - a.from.y };
  const now = { x: b.at.x - a.at.x, y: b.at.y - a.at.y };
  const twist = Math.atan2(before.x * now.y - before.y * now.x, before.x * now.x + before.y * now.y);
  return {
    ...REST,
    zoom: ramp((length(now) - length(before)) / height, PINCH_STILL, PINCH_REACH),
    roll: ramp(twist, TWIST_STILL, TWIST_REACH),
  };
}

/** 0 up to `still`, ±1 from `reach` on. */
function ramp(value: number, still: number, reach: number): number {
  const beyond = (Math.abs(value) - still) / Math.max(reach - still, Number.EPSILON);
  return Math.sign(value) * Math.min(1, Math.max(0, beyond));
}

function way({ from, at }: Finger): Point {
  return { x: at.x - from.x, y: at.y - from.y };
}

function length({ x, y }: Point): number {
  return Math.hypot(x, y);
}

// How fast the camera moves, −1 to 1 along each way. Pure.

import type { Velocities } from '@shared/protocol';

export const REST: Velocities = { orbit: [0, 0], zoom: 0, roll: 0, pan: [0, 0] };

export function isRest(velocities: Velocities): boolean {
  return same(velocities, REST);
}

export function same(a: Velocities, b: Velocities): boolean {
  return list(a).every((value, i) => value === list(b)[i]);
}

/** Two hands at once. Three decimals are finer than any of them, and keep messages short. */
export function together(a: Velocities, b: Velocities): Velocities {
  const other = list(b);
  const [ox, oy, zoom, roll, px, py] = list(a).map((value, i) => bounded(value + (other[i] ?? 0))) as Six;
  return { orbit: [ox, oy], zoom, roll, pan: [px, py] };
}

type Six = [number, number, number, number, number, number];

function list({ orbit, zoom, roll, pan }: Velocities): Six {
  return [...orbit, zoom, roll, ...pan];
}

function bounded(value: number): number {
  if (!Number.isFinite(value)) return 0;
  const rounded = Math.round(Math.min(1, Math.max(-1, value)) * 1e3) / 1e3;
  return rounded === 0 ? 0 : rounded;
}

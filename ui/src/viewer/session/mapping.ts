// From the browser's units to the wire's. Pure.

import type { Button, Point } from '@shared/protocol';

export type Box = { left: number; top: number; width: number; height: number };
export type Picture = { width: number; height: number };

/** Where `object-fit: contain` draws the picture inside its box. */
export function pictureBox(box: Box, picture: Picture): Box {
  if (picture.width <= 0 || picture.height <= 0 || box.width <= 0 || box.height <= 0) return box;
  const scale = Math.min(box.width / picture.width, box.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  return {
    left: box.left + (box.width - width) / 2,
    top: box.top + (box.height - height) / 2,
    width,
    height,
  };
}

export type Place = { point: Point; inside: boolean };

/** The place in the picture; a place in the black bars becomes the nearest one of the picture, and is not `inside`. */
export function placeIn(clientX: number, clientY: number, box: Box, picture: Picture): Place {
  const drawn = pictureBox(box, picture);
  if (drawn.width <= 0 || drawn.height <= 0) return { point: { x: 0.5, y: 0.5 }, inside: false };
  const x = (clientX - drawn.left) / drawn.width;
  const y = (clientY - drawn.top) / drawn.height;
  return { point: { x: unit(x), y: unit(y) }, inside: x >= 0 && x <= 1 && y >= 0 && y <= 1 };
}

/** Five decimals are a twentieth of a pixel at 4K, and keep messages short. */
function unit(value: number): number {
  return Math.round(Math.min(1, Math.max(0, value)) * 1e5) / 1e5;
}

/** Pixels that one notch of a common wheel scrolls, in Chromium and Safari. */
const PIXELS_PER_NOTCH = 100;
/** Lines that one notch scrolls, in Firefox. */
const LINES_PER_NOTCH = 3;
/** More than a hand can turn between two frames. */
const NOTCHES_MAX = 10;

/** Notches; positive is up and right, while a browser's `deltaY` is positive downward. */
export function notches(delta: { deltaX: number; deltaY: number; deltaMode: number }): {
  dx: number;
  dy: number;
} {
  const perNotch = delta.deltaMode === 0 ? PIXELS_PER_NOTCH : delta.deltaMode === 1 ? LINES_PER_NOTCH : 1;
  return { dx: bounded(delta.deltaX / perNotch), dy: bounded(-delta.deltaY / perNotch) };
}

function bounded(value: number): number {
  const rounded = Math.round(Math.min(NOTCHES_MAX, Math.max(-NOTCHES_MAX, value)) * 1e3) / 1e3;
  return rounded === 0 ? 0 : rounded;
}

/** The bits of `PointerEvent.buttons`. */
const bits: [number, Button][] = [
  [1, 'left'],
  [2, 'right'],
  [4, 'middle'],
];

export type ButtonChange = { button: Button; pressed: boolean };

/** What changed between two values of `PointerEvent.buttons`: a second button arrives as a move, not as a press. */
export function buttonChanges(before: number, after: number): ButtonChange[] {
  return bits
    .filter(([bit]) => (before & bit) !== (after & bit))
    .map(([bit, button]) => ({ button, pressed: (after & bit) !== 0 }));
}

/** Spreading two fingers to double their distance counts as this many notches. */
const NOTCHES_PER_DOUBLING = 5;

export function pinchNotches(distanceBefore: number, distanceAfter: number): number {
  if (distanceBefore <= 0 || distanceAfter <= 0) return 0;
  return bounded(Math.log2(distanceAfter / distanceBefore) * NOTCHES_PER_DOUBLING);
}

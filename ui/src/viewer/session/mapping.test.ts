import { expect, test } from 'vitest';

import { buttonChanges, notches, pictureBox, pinchNotches, placeIn } from './mapping';

const HD = { width: 1280, height: 720 };

test('a wide window has bars left and right', () => {
  expect(pictureBox({ left: 0, top: 0, width: 2000, height: 720 }, HD)).toEqual({
    left: 360,
    top: 0,
    width: 1280,
    height: 720,
  });
});

test('a tall window has bars above and below', () => {
  const phone = { left: 0, top: 0, width: 390, height: 844 };
  const { left, top, width, height } = pictureBox(phone, HD);
  expect([left, width]).toEqual([0, 390]);
  expect(top).toBeCloseTo((844 - 390 * (9 / 16)) / 2);
  expect(height).toBeCloseTo(390 * (9 / 16));
});

test('places are of the picture, not of its box', () => {
  const box = { left: 100, top: 50, width: 2000, height: 720 };
  expect(placeIn(100 + 360, 50, box, HD)).toEqual({ point: { x: 0, y: 0 }, inside: true });
  expect(placeIn(100 + 360 + 640, 50 + 360, box, HD)).toEqual({ point: { x: 0.5, y: 0.5 }, inside: true });
  expect(placeIn(100 + 360 + 1280, 50 + 720, box, HD)).toEqual({ point: { x: 1, y: 1 }, inside: true });
});

test('a place in the bars is the nearest one of the picture, and not inside', () => {
  const box = { left: 0, top: 0, width: 2000, height: 720 };
  expect(placeIn(10, 360, box, HD)).toEqual({ point: { x: 0, y: 0.5 }, inside: false });
  expect(placeIn(1990, 9_999, box, HD)).toEqual({ point: { x: 1, y: 1 }, inside: false });
});

test('every place is within 0 and 1, whatever the window', () => {
  for (const width of [0, 1, 320, 5_000]) {
    for (const height of [0, 1, 200, 3_000]) {
      for (const at of [-1e6, -1, 0, 77.7, 1e6]) {
        for (const picture of [HD, { width: 0, height: 0 }]) {
          const { point } = placeIn(at, at, { left: 3, top: 4, width, height }, picture);
          expect(point.x).toBeGreaterThanOrEqual(0);
          expect(point.x).toBeLessThanOrEqual(1);
          expect(point.y).toBeGreaterThanOrEqual(0);
          expect(point.y).toBeLessThanOrEqual(1);
        }
      }
    }
  }
});

test('one notch is one notch in each unit, and up is positive', () => {
  expect(notches({ deltaX: 0, deltaY: 100, deltaMode: 0 })).toEqual({ dx: 0, dy: -1 });
  expect(notches({ deltaX: 3, deltaY: -3, deltaMode: 1 })).toEqual({ dx: 1, dy: 1 });
  expect(notches({ deltaX: 0, deltaY: 1, deltaMode: 2 })).toEqual({ dx: 0, dy: -1 });
});

test('a wheel that runs wild is bounded', () => {
  expect(notches({ deltaX: -1e9, deltaY: 1e9, deltaMode: 0 })).toEqual({ dx: -10, dy: -10 });
});

test('buttons are told apart by what changed', () => {
  expect(buttonChanges(0, 1)).toEqual([{ button: 'left', pressed: true }]);
  expect(buttonChanges(1, 3)).toEqual([{ button: 'right', pressed: true }]);
  expect(buttonChanges(7, 1)).toEqual([
    { button: 'right', pressed: false },
    { button: 'middle', pressed: false },
  ]);
  expect(buttonChanges(5, 5)).toEqual([]);
  expect(buttonChanges(0, 8 | 16)).toEqual([]);
});

test('spreading fingers turns the wheel up, and back again as far', () => {
  expect(pinchNotches(100, 200)).toBe(5);
  expect(pinchNotches(200, 100)).toBe(-5);
  expect(pinchNotches(0, 100)).toBe(0);
});

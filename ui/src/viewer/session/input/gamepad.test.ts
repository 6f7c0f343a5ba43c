import { describe, expect, test } from 'vitest';

import { velocitiesOfPads, type Pad } from './gamepad';
import { REST } from './velocities';

function pad(axes: number[], pressed: Record<number, number> = {}, more: Partial<Pad> = {}): Pad {
  const buttons = Array.from({ length: 17 }, (_, i) => ({ value: pressed[i] ?? 0 }));
  return { connected: true, mapping: 'standard', axes, buttons, ...more };
}

describe('a standard gamepad', () => {
  test.each([
    ['the left stick to the right goes right: what is seen goes left', pad([1, 0, 0, 0]), { orbit: [-1, 0] }],
    ['the left stick up goes up: what is seen goes down', pad([0, -1, 0, 0]), { orbit: [0, 1] }],
    ['the right stick looks around', pad([0, 0, 0, 1]), { pan: [0, -1] }],
    ['the right trigger goes closer', pad([0, 0, 0, 0], { 7: 1 }), { zoom: 1 }],
    ['the left trigger goes back', pad([0, 0, 0, 0], { 6: 1 }), { zoom: -1 }],
    ['both triggers rest', pad([0, 0, 0, 0], { 6: 1, 7: 1 }), {}],
    ['the right shoulder rolls', pad([0, 0, 0, 0], { 5: 1 }), { roll: 1 }],
    ['a stick that is let go of is never quite in the middle', pad([0.1, -0.1, 0.05, 0]), {}],
    ['a pad of an unknown kind', pad([1, 1, 1, 1], { 7: 1 }, { mapping: '' }), {}],
    ['a pad that is gone', pad([1, 0, 0, 0], {}, { connected: false }), {}],
    ['a pad with too little on it', pad([], {}, { buttons: [] }), {}],
    ['a broken one', pad([NaN, Infinity, 0, 0]), {}],
  ])('%s', (_, held, expected) => {
    const { orbit, zoom, roll, pan } = velocitiesOfPads([null, held]);
    const flat = [...orbit, zoom, roll, ...pan];
    const wanted = { ...REST, ...expected };
    [...wanted.orbit, wanted.zoom, wanted.roll, ...wanted.pan].forEach((value, i) =>
      expect(flat[i]).toBeCloseTo(value),
    );
  });

  test('is slow near the middle and full at the rim, whichever way', () => {
    const speed = (far: number) => Math.hypot(...velocitiesOfPads([pad([far * 0.6, far * 0.8, 0, 0])]).orbit);
    expect(speed(0.5)).toBeLessThan(0.25);
    expect(speed(1)).toBeCloseTo(1);
    expect(Math.hypot(...velocitiesOfPads([pad([1, 1, 0, 0])]).orbit)).toBeCloseTo(1);
    for (let far = 0; far < 1; far += 0.05) expect(speed(far + 0.05)).toBeGreaterThanOrEqual(speed(far));
  });

  test('of several counts that is held', () => {
    expect(velocitiesOfPads([pad([0, 0, 0, 0]), pad([0, 0, 0, 0], { 7: 1 })]).zoom).toBe(1);
  });
});

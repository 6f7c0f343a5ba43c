import type { ToldScene } from '@shared/protocol';
import { expect, test } from 'vitest';

import { beganAt, timerWords } from './recorder';

test.each([
  [-500, '0:00'],
  [7_900, '0:07'],
  [754_000, '12:34'],
  [3_723_000, '1:02:03'],
])('%d ms are shown as %s', (ms, words) => {
  expect(timerWords(ms)).toBe(words);
});

test('the beginning is by our own clock, however wrong that is', () => {
  const scene = { recorder: 'recording', recorder_since: 1_000_000, told: 1_012_000 } as ToldScene;
  expect(beganAt(scene, 5_000)).toBe(-7_000);
  expect(beganAt({ ...scene, told: 999_000 }, 5_000)).toBe(5_000);
  expect(beganAt({ ...scene, recorder: 'idle' }, 5_000)).toBeNull();
  expect(beganAt({ ...scene, recorder_since: undefined }, 5_000)).toBeNull();
});

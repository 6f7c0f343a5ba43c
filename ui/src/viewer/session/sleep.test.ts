import { expect, test } from 'vitest';

import { sleptMs } from './sleep';

test('a late tick is no sleep, an hour is one', () => {
  expect(sleptMs(0, 1_000)).toBe(0);
  expect(sleptMs(0, 6_000)).toBe(0);
  expect(sleptMs(0, 3_601_000)).toBe(3_600_000);
});

test('a clock that was set back is no sleep', () => {
  expect(sleptMs(10_000, 4_000)).toBe(0);
});

import { expect, test } from 'vitest';

import { backoffMs } from './backoff';

test('pauses grow from a quarter of a second to five seconds and stay there', () => {
  const pauses = Array.from({ length: 12 }, (_, attempt) => backoffMs(attempt));
  expect(pauses[0]).toBe(250);
  expect(pauses.at(-1)).toBe(5_000);
  expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
});

test('chance moves a pause by a fifth at most', () => {
  expect(backoffMs(0, 0)).toBe(200);
  expect(backoffMs(0, 1)).toBe(300);
  expect(backoffMs(1_000, 1)).toBe(6_000);
});

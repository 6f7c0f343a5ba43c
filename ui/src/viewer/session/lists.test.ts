import { expect, test } from 'vitest';

import { mayBeCut, readList } from './lists';

test('only a list that fills a message may be cut', () => {
  expect(mayBeCut([])).toBe(false);
  expect(mayBeCut(Array.from({ length: 1_000 }, (_, i) => `entry ${i}`))).toBe(false);
  expect(mayBeCut(Array.from({ length: 20_000 }, (_, i) => `entry ${i}`))).toBe(true);
});

test('of an answer only what fits is taken', () => {
  const isText = (value: unknown): value is string => typeof value === 'string';
  expect(readList(['a', 1, null, 'b'], isText)).toEqual(['a', 'b']);
  expect(readList({ 0: 'a' }, isText)).toEqual([]);
});

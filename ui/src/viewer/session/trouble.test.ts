import { expect, test } from 'vitest';

import { isTrouble, kept, outage } from './trouble';

const trouble = (...off: ('everything' | 'contents' | 'actions' | 'missions')[]) => ({
  message: 'OpenSpace does not answer.',
  since: 1,
  off,
});

test('a trouble turns off its parts, and one with everything turns off all', () => {
  for (const [told, part, off] of [
    [null, 'everything', false],
    [trouble(), 'contents', false],
    [trouble('contents'), 'contents', true],
    [trouble('contents'), 'everything', false],
    [trouble('contents', 'missions'), 'actions', false],
    [trouble('everything'), 'missions', true],
    [trouble('everything'), 'everything', true],
  ] as const)
    expect(outage(told, part) !== null, `${JSON.stringify(told)} ${part}`).toBe(off);
});

test('a trouble that is told again is the same one', () => {
  const first = trouble('actions');
  expect(kept(first, trouble('actions'))).toBe(first);
  expect(kept(first, trouble('everything'))).not.toBe(first);
  expect(kept(first, null)).toBeNull();
});

test('what is no trouble is none', () => {
  for (const value of [null, undefined, 5, 'x', {}, { message: 5, off: [] }, { message: 'x' }])
    expect(isTrouble(value), JSON.stringify(value)).toBe(false);
  expect(isTrouble(trouble())).toBe(true);
});

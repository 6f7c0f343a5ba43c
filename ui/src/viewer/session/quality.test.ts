import { expect, test } from 'vitest';

import { knownMode } from './quality';

test('what is not known is interactive', () => {
  expect([null, 'auto', 'nonsense', 'smooth', 'saver'].map(knownMode)).toEqual([
    'interactive',
    'interactive',
    'interactive',
    'smooth',
    'saver',
  ]);
});

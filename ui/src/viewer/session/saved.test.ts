import { expect, test } from 'vitest';

import { isSaved, savedWords } from './saved';

test('what is no file is not taken for one', () => {
  expect(isSaved({ name: 'screenshot-1.png', bytes: 3, saved: 0 })).toBe(true);
  for (const garbage of [
    null,
    'screenshot-1.png',
    {},
    { name: 'a', bytes: '3', saved: 0 },
    { name: 'a', bytes: 3 },
  ])
    expect(isSaved(garbage)).toBe(false);
});

test('a file is called by when it was kept', () => {
  expect(savedWords(Date.UTC(2026, 10, 25, 22, 41, 7), 'UTC')).toBe('25 Nov, 22:41:07');
});

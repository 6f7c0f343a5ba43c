import { expect, test } from 'vitest';

import { filtered, rankOf } from './logLines';

const log = [
  '(I) main                 Starting rendering loop',
  '(W) SpiceManager         Kernel is not there yet',
  '    it is being fetched',
  '[10.02] (E) Sky          Error loading stars',
  "thread 'main' panicked at sky.rs:1:",
  'plain words',
];

test('a level lets through what is at least as bad, with the lines that belong to it', () => {
  expect(filtered(log, 'all', '')).toEqual(log);
  expect(filtered(log, 'warnings', '')).toEqual(log.slice(1, 5));
  expect(filtered(log, 'errors', '')).toEqual(log.slice(3, 5));
});

test('a search looks through what the level lets through', () => {
  expect(filtered(log, 'all', ' KERNEL ')).toEqual([log[1]]);
  expect(filtered(log, 'errors', 'kernel')).toEqual([]);
});

test('levels are read from OpenSpace and from words', () => {
  expect([rankOf('(F) x y'), rankOf('warning: x'), rankOf('terrors everywhere'), rankOf('(D) a')]).toEqual([
    2,
    1,
    null,
    0,
  ]);
});

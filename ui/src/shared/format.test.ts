import { expect, test } from 'vitest';

import {
  age,
  bitrate,
  bytes,
  count,
  duration,
  figure,
  percent,
  safeLocale,
  sentence,
  UNKNOWN,
} from './format';

test.each([['C'], ['C.UTF-8'], ['en_US'], [''], ['POSIX!']])(
  'the language %j does not break Intl',
  (language) => {
    expect(() => new Intl.NumberFormat(safeLocale(language))).not.toThrow();
    expect(safeLocale(language)).toBe('en-US');
  },
);

test('a good language is kept, and none is English', () => {
  expect(safeLocale('sv-SE')).toBe('sv-SE');
  expect(safeLocale(undefined)).toBe('en-US');
});

test('bytes have the unit that fits', () => {
  expect([0, 999, 1_000, 1_500_000, 32e9, 4.2e12].map((n) => bytes(n))).toEqual([
    '0 B',
    '999 B',
    '1 kB',
    '1.5 MB',
    '32 GB',
    '4.2 TB',
  ]);
});

test('what is not known is a dash, never NaN', () => {
  for (const text of [bytes(null), bytes(Number.NaN), percent(undefined), figure(null, 'W'), bitrate(null)]) {
    expect(text).toBe(UNKNOWN);
  }
});

test('durations have two units at most', () => {
  expect([0, 59.9, 60, 3_599, 3_600, 11_100, 90_000].map(duration)).toEqual([
    '0 s',
    '59 s',
    '1 min',
    '59 min',
    '1 h',
    '3 h 5 min',
    '1 d 1 h',
  ]);
});

test('a clock that runs ahead makes no future', () => {
  expect(age(10_000, 0)).toBe('just now');
  expect(age(0, 125_000)).toBe('2 min ago');
});

test('bitrates and counts read as people say them', () => {
  expect(bitrate(850)).toBe('850 kbit/s');
  expect(bitrate(4_200)).toBe('4.2 Mbit/s');
  expect(count(1, 'viewer')).toBe('1 viewer');
  expect(count(0, 'viewer')).toBe('0 viewers');
});

test('a sentence begins with a capital letter', () => {
  expect(sentence('no driver is there')).toBe('No driver is there');
  expect(sentence('')).toBe('');
});

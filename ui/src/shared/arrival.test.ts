import { expect, test } from 'vitest';

import { keepArrival, takeArrival } from './arrival';
import { memory } from './storage';

const tab = () =>
  memory(() => {
    throw new Error('refused');
  });

test('what was asked for is told once, and to its own instance', () => {
  const here = tab();
  keepArrival('a', { focus: 'Mars', time: null }, here);
  expect(takeArrival('b', here)).toBeNull();
  expect(takeArrival('a', here)).toEqual({ focus: 'Mars', time: null });
  expect(takeArrival('a', here)).toBeNull();
});

test('nothing asked for is nothing kept, and garbage is nothing', () => {
  const here = tab();
  keepArrival('a', { focus: null, time: null }, here);
  expect(here.get('arrival a')).toBeNull();
  here.set('arrival a', '{"focus": 7}');
  expect(takeArrival('a', here)).toBeNull();
});

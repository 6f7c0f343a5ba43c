import { expect, test } from 'vitest';

import { isRest, REST, same, together } from './velocities';
import { hasMoreToSay, silent, speak, type Voice } from './voice';

const closer = (zoom: number) => ({ ...REST, zoom });

/** What is said of what is wanted at these times, in ms. */
function said(wanted: [now: number, zoom: number][]): (number | null)[] {
  let voice: Voice = silent;
  return wanted.map(([now, zoom]) => {
    const next = speak(voice, closer(zoom), now);
    voice = next.voice;
    return next.say?.zoom ?? null;
  });
}

test('what changes is said, at most once a frame of a common screen', () => {
  expect(
    said([
      [0, 0.1],
      [4, 0.2],
      [8, 0.3],
      [16, 0.4],
    ]),
  ).toEqual([0.1, null, null, 0.4]);
});

test('what holds is said again before silence would stop it', () => {
  expect(
    said([
      [0, 0.5],
      [50, 0.5],
      [99, 0.5],
      [100, 0.5],
      [150, 0.5],
      [201, 0.5],
    ]),
  ).toEqual([0.5, null, null, 0.5, null, 0.5]);
});

test('a stop waits for nothing and is said three times, since one may be lost', () => {
  expect(
    said([
      [0, 0.5],
      [1, 0],
      [20, 0],
      [41, 0],
      [90, 0],
      [200, 0],
      [300, 0],
    ]),
  ).toEqual([0.5, 0, null, 0, 0, null, null]);
});

test('nothing is said of a hand that never moved', () => {
  expect(
    said([
      [0, 0],
      [100, 0],
      [1000, 0],
    ]),
  ).toEqual([null, null, null]);
  expect(hasMoreToSay(silent)).toBe(false);
});

test('it has more to say until its last stop', () => {
  let voice = speak(silent, closer(1), 0).voice;
  expect(hasMoreToSay(voice)).toBe(true);
  for (let now = 10; hasMoreToSay(voice); now += 10) {
    expect(now).toBeLessThan(200);
    voice = speak(voice, REST, now).voice;
  }
  expect(isRest(voice.said)).toBe(true);
});

test('two hands add up within the range, in three decimals', () => {
  const both = together({ ...closer(0.7), orbit: [0.12345, 0] }, { ...closer(0.7), orbit: [-0.2, NaN] });
  expect(both).toEqual({ orbit: [-0.077, 0], zoom: 1, roll: 0, pan: [0, 0] });
  expect(same(together(closer(0.0001), REST), REST)).toBe(true);
});

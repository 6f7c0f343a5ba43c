import { expect, test } from 'vitest';

import { Hand } from './hand';

const at = { x: 0.25, y: 0.75 };

test('numbers of pointer messages rise by one, whatever they say', () => {
  const hand = new Hand();
  expect([hand.move(at).seq, hand.stillHere().seq, hand.move(at).seq]).toEqual([1, 2, 3]);
});

test('a held key is one press, however often the keyboard repeats it', () => {
  const hand = new Hand();
  expect(hand.keyDown('KeyA')).toEqual({ type: 'key', code: 'KeyA', pressed: true });
  expect(hand.keyDown('KeyA')).toBeNull();
  expect(hand.keyUp('KeyA')).toEqual([{ type: 'key', code: 'KeyA', pressed: false }]);
  expect(hand.keyUp('KeyA')).toEqual([]);
});

test('keys without a place on the keyboard are not sent', () => {
  expect(new Hand().keyDown('')).toBeNull();
});

test('buttons are pressed and released once each', () => {
  const hand = new Hand();
  expect(hand.press(1, at)).toEqual([{ type: 'button', button: 'left', pressed: true, ...at }]);
  expect(hand.press(1, at)).toEqual([]);
  expect(hand.holdsButton).toBe(true);
  expect(hand.press(0, at)).toEqual([{ type: 'button', button: 'left', pressed: false, ...at }]);
  expect(hand.holds).toBe(false);
});

test('letting go of everything is said once, and only when something was held', () => {
  const hand = new Hand();
  expect(hand.releaseAll()).toEqual([]);
  hand.press(4, at);
  hand.keyDown('ShiftLeft');
  expect(hand.releaseAll()).toEqual([{ type: 'release_all' }]);
  expect(hand.holds).toBe(false);
  expect(hand.releaseAll()).toEqual([]);
});

test('letting go of Meta lets go of all: its browser swallowed the other releases', () => {
  const hand = new Hand();
  hand.keyDown('MetaLeft');
  hand.keyDown('KeyC');
  expect(hand.keyUp('MetaLeft')).toEqual([{ type: 'release_all' }]);
});

test('the wheel turns where the pointer is', () => {
  const hand = new Hand();
  hand.move(at);
  expect(hand.wheel(0, 1)).toEqual({ type: 'wheel', dx: 0, dy: 1, ...at });
  expect(hand.wheel(0, 0)).toBeNull();
});

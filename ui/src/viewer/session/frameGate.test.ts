import { expect, test } from 'vitest';

import { FrameGate } from './frameGate';

function gate() {
  const passed: number[] = [];
  const frames: (() => void)[] = [];
  const frame = () => frames.splice(0).forEach((then) => then());
  const it = new FrameGate<number>(
    (value) => passed.push(value),
    (a, b) => a + b,
    (then) => frames.push(then),
  );
  return { it, passed, frame };
}

test('the first of a frame passes at once', () => {
  const { it, passed } = gate();
  it.offer(1);
  expect(passed).toEqual([1]);
});

test('the rest of a frame becomes one', () => {
  const { it, passed, frame } = gate();
  [1, 2, 3, 4].forEach((value) => it.offer(value));
  expect(passed).toEqual([1]);
  frame();
  expect(passed).toEqual([1, 9]);
  frame();
  frame();
  expect(passed).toEqual([1, 9]);
});

test('after a quiet frame the next passes at once again', () => {
  const { it, passed, frame } = gate();
  it.offer(1);
  frame();
  it.offer(2);
  expect(passed).toEqual([1, 2]);
});

test('what is kept can be passed on before something that must come after it', () => {
  const { it, passed, frame } = gate();
  it.offer(1);
  it.offer(2);
  it.flush();
  expect(passed).toEqual([1, 2]);
  frame();
  expect(passed).toEqual([1, 2]);
});

import type { Intent } from '@shared/protocol';
import { expect, test } from 'vitest';

import { Intents, REPLY_WITHIN_MS } from './intents';

const pause = { name: 'pause', args: { paused: true } } as const;

function asked(intents: Intents, nowMs = 0): Intent {
  const intent = intents.ask(pause, nowMs);
  if (!intent) throw new Error('refused');
  return intent;
}

test('a wish travels with its name and arguments under a number of its own', () => {
  const intents = new Intents();
  expect(asked(intents)).toEqual({ id: 1, name: 'pause', args: { paused: true } });
  expect(asked(intents).id).toBe(2);
});

test('a reply settles the wish it names, in any order', () => {
  const intents = new Intents();
  const [first, second] = [asked(intents), asked(intents)];
  expect(intents.hear(`{"id":${second.id},"ok":[1]}`)).toEqual({ id: second.id, ok: [1] });
  expect(intents.hear(`{"id":${first.id},"error":"Only who steers may."}`)).toEqual({
    id: first.id,
    error: 'Only who steers may.',
  });
  expect(intents.waiting).toBe(0);
});

test('an answer of nothing is an answer', () => {
  const intents = new Intents();
  const { id } = asked(intents);
  expect(intents.hear(`{"id":${id},"ok":null}`)).toEqual({ id, ok: null });
  const next = asked(intents);
  expect(intents.hear(`{"id":${next.id}}`)).toEqual({ id: next.id, ok: null });
});

test.each(['{"id":7,"ok":1}', '{"ok":1}', 'nonsense', '[]', 'null', '{"id":"1"}', '{"id":1,"error":5}', 42])(
  '%s settles nothing',
  (data) => {
    const intents = new Intents();
    asked(intents);
    expect(intents.hear(data)).toBeNull();
    expect(intents.waiting).toBe(1);
  },
);

test('a reply that comes twice, or after its time, settles nothing', () => {
  const intents = new Intents();
  const { id } = asked(intents);
  expect(intents.hear(`{"id":${id},"ok":1}`)).not.toBeNull();
  expect(intents.hear(`{"id":${id},"ok":1}`)).toBeNull();
  const late = asked(intents);
  intents.expire(REPLY_WITHIN_MS);
  expect(intents.hear(`{"id":${late.id},"ok":1}`)).toBeNull();
});

test('each wish has its own deadline, and the sentence says what happened', () => {
  const intents = new Intents();
  const first = asked(intents, 0);
  const second = asked(intents, 400);
  expect(intents.nextDeadline).toBe(REPLY_WITHIN_MS);
  expect(intents.expire(REPLY_WITHIN_MS - 1)).toEqual([]);
  expect(intents.expire(REPLY_WITHIN_MS)).toEqual([
    { id: first.id, error: 'The program did not answer in time. Try it again.' },
  ]);
  expect(intents.nextDeadline).toBe(REPLY_WITHIN_MS + 400);
  expect(intents.expire(REPLY_WITHIN_MS + 400).map((one) => one.id)).toEqual([second.id]);
  expect(intents.nextDeadline).toBeNull();
});

test('a broken connection fails all that wait, once', () => {
  const intents = new Intents();
  asked(intents);
  asked(intents);
  expect(intents.broken().map((one) => one.id)).toEqual([1, 2]);
  expect(intents.broken()).toEqual([]);
});

test('the number of those that wait is bounded, and a reply makes room', () => {
  const intents = new Intents();
  let last = asked(intents);
  for (let next = intents.ask(pause, 0); next; next = intents.ask(pause, 0)) last = next;
  expect(intents.waiting).toBe(64);
  intents.hear(`{"id":${last.id},"ok":null}`);
  expect(intents.ask(pause, 0)).not.toBeNull();
});

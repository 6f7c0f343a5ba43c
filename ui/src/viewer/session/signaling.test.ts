import type { ServerMessage } from '@shared/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Signaling } from './signaling';

/** The far side, by hand. */
class FakeSocket {
  static all: FakeSocket[] = [];
  static get last(): FakeSocket {
    const last = FakeSocket.all.at(-1);
    if (!last) throw new Error('no socket was opened');
    return last;
  }
  readyState = 0;
  sent: unknown[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor() {
    FakeSocket.all.push(this);
  }
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
  }
  opens() {
    this.readyState = 1;
    this.onopen?.();
  }
  says(message: unknown) {
    this.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) });
  }
  breaks() {
    this.readyState = 3;
    this.onclose?.();
  }
}

const welcome = { type: 'welcome' };

function signaling() {
  const heard: ServerMessage[] = [];
  let downs = 0;
  let viewer: string | undefined;
  const it = new Signaling({
    url: 'ws://here',
    hello: () => ({ protocol: 1, session_id: 's', ...(viewer ? { viewer_id: viewer } : {}) }),
    onMessage: (message) => heard.push(message),
    onDown: () => (downs += 1),
    open: () => new FakeSocket() as unknown as WebSocket,
    random: () => 0.5,
  });
  return { it, heard, downs: () => downs, setViewer: (id: string) => (viewer = id) };
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});
afterEach(() => vi.useRealTimers());

test('hello is the first word', () => {
  const { it } = signaling();
  it.start();
  FakeSocket.last.opens();
  expect(FakeSocket.last.sent).toEqual([{ type: 'hello', protocol: 1, session_id: 's' }]);
});

test('a lost socket is opened again after a quarter of a second, as the viewer it was', () => {
  const { it, downs, setViewer } = signaling();
  it.start();
  FakeSocket.last.opens();
  FakeSocket.last.says(welcome);
  setViewer('v');
  FakeSocket.last.breaks();
  expect(downs()).toBe(1);
  vi.advanceTimersByTime(249);
  expect(FakeSocket.all).toHaveLength(1);
  vi.advanceTimersByTime(1);
  FakeSocket.last.opens();
  expect(FakeSocket.last.sent).toEqual([{ type: 'hello', protocol: 1, session_id: 's', viewer_id: 'v' }]);
});

test('pauses grow to five seconds and never end', () => {
  const { it } = signaling();
  it.start();
  const pauses: number[] = [];
  for (let i = 0; i < 20; i += 1) {
    FakeSocket.last.breaks();
    const before = Date.now();
    const opened = FakeSocket.all.length;
    while (FakeSocket.all.length === opened) vi.advanceTimersByTime(10);
    pauses.push(Date.now() - before);
  }
  expect(pauses[0]).toBe(250);
  expect(pauses.slice(-5)).toEqual([5_000, 5_000, 5_000, 5_000, 5_000]);
});

test('only a welcome makes the next pause short again', () => {
  const { it } = signaling();
  it.start();
  FakeSocket.last.breaks();
  vi.advanceTimersByTime(250);
  FakeSocket.last.opens();
  FakeSocket.last.breaks();
  vi.advanceTimersByTime(399);
  expect(FakeSocket.all).toHaveLength(2);
  vi.advanceTimersByTime(1);
  FakeSocket.last.opens();
  FakeSocket.last.says(welcome);
  FakeSocket.last.breaks();
  vi.advanceTimersByTime(250);
  expect(FakeSocket.all).toHaveLength(4);
});

test('a network that is back cuts the pause short', () => {
  const { it } = signaling();
  it.start();
  for (let i = 0; i < 8; i += 1) {
    FakeSocket.last.breaks();
    vi.advanceTimersByTime(6_000);
  }
  FakeSocket.last.breaks();
  const opened = FakeSocket.all.length;
  it.wake();
  expect(FakeSocket.all).toHaveLength(opened + 1);
});

test('it pings every ten seconds, and a pong keeps the socket', () => {
  const { it, downs } = signaling();
  it.start();
  FakeSocket.last.opens();
  FakeSocket.last.says(welcome);
  for (let i = 0; i < 6; i += 1) {
    vi.advanceTimersByTime(10_000);
    expect(FakeSocket.last.sent.at(-1)).toEqual({ type: 'ping' });
    FakeSocket.last.says({ type: 'pong' });
  }
  expect(FakeSocket.all).toHaveLength(1);
  expect(downs()).toBe(0);
});

test('a socket that answers no ping is replaced', () => {
  const { it, downs } = signaling();
  it.start();
  FakeSocket.last.opens();
  FakeSocket.last.says(welcome);
  vi.advanceTimersByTime(10_000 + 4_000);
  expect(downs()).toBe(1);
  vi.advanceTimersByTime(250);
  expect(FakeSocket.all).toHaveLength(2);
});

test('a handshake that hangs is given up', () => {
  const { it, downs } = signaling();
  it.start();
  vi.advanceTimersByTime(8_000);
  expect(downs()).toBe(1);
});

test('waking asks an open socket whether it is still there', () => {
  const { it } = signaling();
  it.start();
  FakeSocket.last.opens();
  FakeSocket.last.says(welcome);
  it.wake();
  expect(FakeSocket.last.sent.at(-1)).toEqual({ type: 'ping' });
});

test('after a sleep the socket is opened anew, without waiting for the silence of the old one', () => {
  const { it } = signaling();
  it.start();
  FakeSocket.last.opens();
  FakeSocket.last.says(welcome);
  it.renew();
  expect(FakeSocket.all).toHaveLength(2);
  FakeSocket.last.opens();
  expect(FakeSocket.last.sent[0]).toMatchObject({ type: 'hello' });
});

test('stopped is stopped', () => {
  const { it, downs } = signaling();
  it.start();
  FakeSocket.last.opens();
  it.stop();
  it.wake();
  it.renew();
  vi.advanceTimersByTime(60_000);
  expect(FakeSocket.all).toHaveLength(1);
  expect(downs()).toBe(0);
  expect(it.send({ type: 'ping' })).toBe(false);
});

test('starting again replaces the socket, and the old one says nothing any more', () => {
  const { it, heard } = signaling();
  it.start();
  const old = FakeSocket.last;
  old.opens();
  it.start();
  old.says({ type: 'pong' });
  expect(old.readyState).toBe(3);
  expect(heard).toEqual([]);
});

test('what is not a message is not passed on', () => {
  const { it, heard } = signaling();
  it.start();
  FakeSocket.last.opens();
  ['{', '[]', '"text"', '{"no":"type"}', 'null', '{"type":7}'].forEach((text) => FakeSocket.last.says(text));
  expect(heard).toEqual([]);
  FakeSocket.last.says({ type: 'pong' });
  expect(heard).toEqual([{ type: 'pong' }]);
});

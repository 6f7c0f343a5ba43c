import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { follow, type ServerEvent } from './sse';

/** A stream that the test writes to. */
function stream() {
  let writer: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (writer = controller) });
  return {
    response: new Response(body),
    write: (text: string) => writer?.enqueue(new TextEncoder().encode(text)),
    end: () => writer?.close(),
  };
}

function following(bearer = () => Promise.resolve('b')) {
  const events: ServerEvent[] = [];
  const downs: unknown[] = [];
  let ups = 0;
  let verdict: 'retry' | 'stop' = 'retry';
  const it = follow({
    url: '/events',
    bearer,
    onEvent: (event) => events.push(event),
    onUp: () => (ups += 1),
    onDown: (error) => {
      downs.push(error);
      return verdict;
    },
  });
  return { it, events, downs, ups: () => ups, stopAtNext: () => (verdict = 'stop') };
}

/** The browser's window: there is none here. */
let page: EventTarget;

beforeEach(() => {
  vi.useFakeTimers();
  page = new EventTarget();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('events are told as they come, and a stream that ends is opened again', async () => {
  const first = stream();
  const second = stream();
  vi.stubGlobal(
    'fetch',
    vi.fn().mockResolvedValueOnce(first.response).mockResolvedValueOnce(second.response),
  );
  const { it, events, downs, ups } = following();
  await vi.waitFor(() => expect(ups()).toBe(1));
  first.write('data: one\n\n');
  await vi.waitFor(() => expect(events).toHaveLength(1));
  first.end();
  await vi.waitFor(() => expect(downs).toHaveLength(1));
  await vi.advanceTimersByTimeAsync(1_000);
  await vi.waitFor(() => expect(ups()).toBe(2));
  second.write('data: two\n\n');
  await vi.waitFor(() => expect(events.map((event) => event.data)).toEqual(['one', 'two']));
  it.stop();
});

test('a stream that falls silent is given up', async () => {
  const silent = stream();
  vi.stubGlobal(
    'fetch',
    vi.fn((_: string, init: RequestInit) => {
      init.signal?.addEventListener('abort', () => silent.end());
      return Promise.resolve(silent.response);
    }),
  );
  const { it, downs, ups } = following();
  await vi.waitFor(() => expect(ups()).toBe(1));
  await vi.advanceTimersByTimeAsync(45_000);
  await vi.waitFor(() => expect(downs.length).toBeGreaterThan(0));
  it.stop();
});

test('whoever is told of the end may say that it is for good', async () => {
  const asked = vi.fn(() => Promise.resolve(Response.json({ detail: 'No.' }, { status: 401 })));
  vi.stubGlobal('fetch', asked);
  const { downs, stopAtNext } = following();
  stopAtNext();
  await vi.waitFor(() => expect(downs).toHaveLength(1));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveBeenCalledTimes(1);
});

test('waking cuts the pause short', async () => {
  const asked = vi.fn(() => Promise.reject(new TypeError('no network')));
  vi.stubGlobal('fetch', asked);
  const { it, downs } = following();
  await vi.waitFor(() => expect(downs).toHaveLength(1));
  it.wake();
  await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(2));
  it.stop();
});

test('a page that is left closes its stream, and opens it again when it is shown again', async () => {
  const asked = vi.fn((_: string, init: RequestInit) => {
    const one = stream();
    init.signal?.addEventListener('abort', () => one.end());
    return Promise.resolve(one.response);
  });
  vi.stubGlobal('fetch', asked);
  const { it, downs, ups } = following();
  await vi.waitFor(() => expect(ups()).toBe(1));
  page.dispatchEvent(new Event('pagehide'));
  await vi.waitFor(() => expect(downs).toHaveLength(1));
  expect(asked.mock.calls[0]?.[1].signal?.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(1_000);
  await vi.waitFor(() => expect(ups()).toBe(2));
  it.stop();
});

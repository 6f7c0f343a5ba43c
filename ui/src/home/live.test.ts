import { sessionId } from '@shared/sessionId';
import { lasting } from '@shared/storage';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Live } from './live';

let known: string[] = [];
let made = 0;

/** A server that knows some sessions and makes new ones. */
function server(input: string, init?: RequestInit): Promise<Response> {
  if (input.endsWith('/sessions')) {
    made += 1;
    known.push(`new-${made}`);
    return Promise.resolve(Response.json({ session_id: `new-${made}` }, { status: 201 }));
  }
  const bearer = new Headers(init?.headers).get('authorization')?.replace('Bearer ', '') ?? '';
  return Promise.resolve(
    known.includes(bearer)
      ? Response.json({ instance_id: 'i', url: '/stream/i', state: 'starting' }, { status: 202 })
      : Response.json({ title: 'Unknown', detail: 'This session is not known here.' }, { status: 401 }),
  );
}

beforeEach(() => {
  known = [];
  made = 0;
  sessionId.forget();
  lasting.remove('instances_running');
  vi.stubGlobal('fetch', vi.fn(server));
});
afterEach(() => vi.unstubAllGlobals());

test('a first visit makes a session, and keeps it', async () => {
  await new Live().launch({});
  await new Live().launch({});
  expect(made).toBe(1);
  expect(sessionId.get()).toBe('new-1');
});

test('a stale session is replaced once, and what was running is counted as lost', async () => {
  lasting.set('session_id', 'stale');
  lasting.set('instances_running', '2');
  const live = new Live();
  await expect(live.launch({})).resolves.toMatchObject({ url: '/stream/i' });
  expect(made).toBe(1);
  expect(live.state().lost).toBe(2);
  live.dismissLost();
  expect(live.state().lost).toBe(0);
});

test('a stale session without instances is replaced without a word', async () => {
  lasting.set('session_id', 'stale');
  const live = new Live();
  await live.launch({});
  expect(live.state().lost).toBe(0);
});

test('builds that a busy server did not tell are asked for until it does', async () => {
  vi.useFakeTimers();
  const refusals = [429, 503];
  vi.stubGlobal(
    'fetch',
    vi.fn((input: string, init?: RequestInit) => {
      if (!input.endsWith('/builds')) return server(input, init);
      const status = refusals.shift();
      return Promise.resolve(
        status === undefined
          ? Response.json([{ id: 'demo' }])
          : Response.json({ title: 'Busy', detail: 'Too many questions.' }, { status }),
      );
    }),
  );
  const live = new Live();
  await live.refresh();
  expect(live.state()).toMatchObject({ builds: null, problem: 'Too many questions.' });
  await vi.advanceTimersByTimeAsync(2_500);
  expect(live.state()).toMatchObject({ builds: [{ id: 'demo' }], problem: null });
  vi.useRealTimers();
});

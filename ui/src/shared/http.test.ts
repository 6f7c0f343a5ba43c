import { afterEach, expect, test, vi } from 'vitest';

import { ask, askJson, inWords, Refused, Unreachable } from './http';

const answers = (make: () => Response) =>
  vi.stubGlobal(
    'fetch',
    vi.fn(() => Promise.resolve(make())),
  );

afterEach(() => vi.unstubAllGlobals());

test('a problem document becomes its sentence', async () => {
  const problem = { type: 'about:blank', title: 'No room', status: 503, detail: 'All places are taken.' };
  answers(() => Response.json(problem, { status: 503 }));
  const error = await ask('/x').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Refused);
  expect(inWords(error)).toBe('All places are taken.');
});

test('an error without a document still has words and its code', async () => {
  answers(() => new Response('<html>', { status: 500 }));
  const error = await ask('/x').catch((thrown: unknown) => thrown);
  expect((error as Refused).status).toBe(500);
  expect(inWords(error)).toMatch(/500/);
});

test.each([502, 504])('a proxy that finds nobody (%i) is nobody', async (status) => {
  answers(() => new Response('', { status }));
  await expect(ask('/x')).rejects.toBeInstanceOf(Unreachable);
});

test('a network that fails is nobody', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
  await expect(ask('/x')).rejects.toBeInstanceOf(Unreachable);
});

test('the bearer is in a header, and the body is JSON', async () => {
  answers(() => Response.json({ ok: 1 }));
  await askJson('/x', { method: 'POST', body: { a: 1 }, bearer: 'secret' });
  const [url, init] = vi.mocked(fetch).mock.calls[0] ?? [];
  const headers = new Headers(init?.headers);
  expect(url).toBe('/x');
  expect(headers.get('authorization')).toBe('Bearer secret');
  expect(headers.get('content-type')).toBe('application/json');
  expect(init?.body).toBe('{"a":1}');
});

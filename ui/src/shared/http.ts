// Asks the node. Every "no" arrives as a sentence for people.

import type { Problem } from '@shared/protocol';

/** The server answered, and the answer is no. */
export class Refused extends Error {
  readonly status: number;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'Refused';
    this.status = problem.status;
    this.problem = problem;
  }
}

/** Nobody answered: the server is off, or the network is. */
export class Unreachable extends Error {
  constructor() {
    super('The server does not answer. It may be restarting, or the network is down.');
    this.name = 'Unreachable';
  }
}

export type Ask = {
  method?: 'GET' | 'POST' | 'DELETE';
  body?: unknown;
  bearer?: string | null;
  signal?: AbortSignal;
  accept?: string;
};

/** An answer is normally a matter of milliseconds; past this, people are told that nobody answers. */
const ANSWER_WITHIN_MS = 15_000;

/** The raw answer, surely a good one. Throws [`Refused`] or [`Unreachable`]. */
export async function ask(
  url: string,
  { method = 'GET', body, bearer, signal, accept }: Ask = {},
): Promise<Response> {
  const headers = new Headers({ accept: accept ?? 'application/json' });
  if (bearer) headers.set('authorization', `Bearer ${bearer}`);
  if (body !== undefined) headers.set('content-type', 'application/json');
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ?? AbortSignal.timeout(ANSWER_WITHIN_MS),
      cache: 'no-store',
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable();
  }
  // A proxy in front of a server that is away: ours says in a problem's words which other machine it is that does not answer.
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
  if ((response.status === 502 || response.status === 504) && !isProblem) throw new Unreachable();
  if (!response.ok) throw new Refused(await problemOf(response));
  return response;
}

/** The answer's JSON; `T` is what the protocol promises for this address. */

export async function askJson<T>(url: string, options?: Ask): Promise<T> {
  return (await (await ask(url, options)).json()) as T;
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = {
    type: 'about:blank',
    title: 'The server refused',
    status: response.status,
    detail: `The server refused with code ${response.status}.`,
  };
  try {
    const said: unknown = await response.json();
    return typeof said === 'object' && said !== null
      ? { ...fallback, ...said, status: response.status }
      : fallback;
  } catch {
    return fallback;
  }
}

/** What to tell people about anything that was thrown. */
export function inWords(error: unknown): string {
  return error instanceof Error ? error.message : 'Something unexpected happened.';
}

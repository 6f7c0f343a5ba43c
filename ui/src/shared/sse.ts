// Server-sent events through `fetch`: `EventSource` cannot send an `Authorization` header.

import { backoffMs } from './backoff';
import { ask } from './http';

export type ServerEvent = { event: string; data: string };

/** Cuts a stream of text into events. Pieces may end anywhere, even between `\r` and `\n`. */
export class EventParser {
  private rest = '';
  private event = '';
  private data: string[] = [];

  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') this.field(line);
      else if (this.data.length > 0) events.push(this.finish());
      else this.event = '';
    }
    return events;
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.event = value;
    else if (name === 'data') this.data.push(value);
    // A line that begins with a colon is a sign of life; `id` and `retry` are not used: a new stream begins with everything.
  }

  private finish(): ServerEvent {
    const finished = { event: this.event || 'message', data: this.data.join('\n') };
    this.event = '';
    this.data = [];
    return finished;
  }
}

export type FollowOptions = {
  url: string;
  /** Asked at each opening. */
  bearer: () => Promise<string>;
  onEvent: (event: ServerEvent) => void;
  onUp: () => void;
  /** The stream ended or could not be opened; it is tried again after `retryInMs` unless this answers `stop`. */
  onDown: (error: unknown, retryInMs: number) => 'stop' | 'retry';
};

/** A stream that says nothing for this long is dead: the server sends a sign of life each 15 s or more often. */
const SILENCE_MS = 45_000;

/**
 * Aborts when the page is left. A browser that keeps the page, to show it again at once when its user comes back, keeps its open
 * stream too; and with six of them it opens no further connection to the server.
 */
function whenLeft(): { signal: AbortSignal; forget: () => void } {
  const left = new AbortController();
  const leave = () => left.abort();
  globalThis.addEventListener('pagehide', leave);
  return { signal: left.signal, forget: () => globalThis.removeEventListener('pagehide', leave) };
}

/** Follows a stream of events for good. The answer ends it. */
export function follow(options: FollowOptions): { stop: () => void; wake: () => void } {
  const ended = new AbortController();
  let wake = (): void => undefined;
  const isOver = () => ended.signal.aborted;
  const loop = async () => {
    for (let attempt = 0; ; attempt += 1) {
      const reason = await once(options, ended.signal, () => (attempt = 0)).catch((error: unknown) => error);
      if (isOver()) return;
      const pause = backoffMs(attempt, Math.random());
      if (options.onDown(reason, pause) === 'stop') return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (isOver()) return;
    }
  };
  void loop();
  const stop = () => {
    ended.abort();
    wake();
  };
  return { stop, wake: () => wake() };
}

async function once(options: FollowOptions, ended: AbortSignal, onUp: () => void): Promise<void> {
  const bearer = await options.bearer();
  const silence = new AbortController();
  const left = whenLeft();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  try {
    const signal = AbortSignal.any([ended, silence.signal, left.signal]);
    const response = await ask(options.url, { bearer, signal, accept: 'text/event-stream' });
    onUp();
    options.onUp();
    await read(response, options.onEvent, alive);
  } finally {
    clearTimeout(timer);
    left.forget();
  }
}

async function read(
  response: Response,
  onEvent: (event: ServerEvent) => void,
  alive: () => void,
): Promise<void> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  const parser = new EventParser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    parser.push(decoder.decode(value, { stream: true })).forEach(onEvent);
  }
}

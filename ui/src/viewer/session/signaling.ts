// The signaling socket: says hello, keeps itself alive, and opens itself again for as long as it is wanted.

import { backoffMs } from '@shared/backoff';
import type { Hello, ServerMessage, ViewerMessage } from '@shared/protocol';

/** Well inside the idle limits of common proxies (30 s and more). */
const PING_EVERY_MS = 10_000;
/** A socket that is silent for this long after a question is dead, even if the system has not noticed. */
const ANSWER_WITHIN_MS = 4_000;
/** A handshake that takes longer hangs in a broken network. */
const OPEN_WITHIN_MS = 8_000;

/** `WebSocket.OPEN` */
const OPEN = 1;

export type SignalingOptions = {
  url: string;
  /** Asked at each opening, since the session and the viewer's id change. */
  hello: () => Hello;
  onMessage: (message: ServerMessage) => void;
  onDown: () => void;
  open?: (url: string) => WebSocket;
  random?: () => number;
};

export class Signaling {
  private readonly options: SignalingOptions;
  private socket: WebSocket | null = null;
  private wanted = false;
  private attempt = 0;
  private retryTimer: Timer | undefined;
  private pingTimer: Timer | undefined;
  private deadline: Timer | undefined;

  constructor(options: SignalingOptions) {
    this.options = options;
  }

  /** Opens the socket now, in place of the present one. */
  start(): void {
    this.wanted = true;
    this.attempt = 0;
    this.open();
  }

  stop(): void {
    this.wanted = false;
    this.drop();
  }

  /** False when nothing could be sent: what matters is said again after the next welcome. */
  send(message: ViewerMessage): boolean {
    if (this.socket?.readyState !== OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** The network or the page is back: do not sit out a pause, and do not trust an old socket. */
  wake(): void {
    if (!this.wanted) return;
    if (this.socket === null) {
      this.attempt = 0;
      this.open();
    } else if (this.socket.readyState === OPEN) {
      this.ping();
    }
  }

  /** The machine slept: a socket of before is dead, and nobody waits for its silence to be noticed. */
  renew(): void {
    if (this.wanted) this.start();
  }

  private open(): void {
    this.drop();
    const socket = (this.options.open ?? ((url) => new WebSocket(url)))(this.options.url);
    this.socket = socket;
    this.expect(OPEN_WITHIN_MS);
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: 'hello', ...this.options.hello() } satisfies ViewerMessage));
      this.pingTimer = setInterval(() => this.ping(), PING_EVERY_MS);
    };
    socket.onmessage = (event) => this.hear(event.data);
    socket.onclose = () => this.lost();
  }

  private hear(data: unknown): void {
    clearTimeout(this.deadline);
    const message = parse(data);
    if (!message) return;
    // Only a welcome proves that the next break is a new one.
    if (message.type === 'welcome') this.attempt = 0;
    this.options.onMessage(message);
  }

  private ping(): void {
    this.send({ type: 'ping' });
    this.expect(ANSWER_WITHIN_MS);
  }

  private expect(withinMs: number): void {
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => this.lost(), withinMs);
  }

  private lost(): void {
    this.drop();
    if (!this.wanted) return;
    const pause = backoffMs(this.attempt, (this.options.random ?? Math.random)());
    this.attempt += 1;
    this.retryTimer = setTimeout(() => this.open(), pause);
    this.options.onDown();
  }

  /** Lets go of the socket and of every timer; a socket that closes late says nothing any more. */
  private drop(): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.deadline);
    clearInterval(this.pingTimer);
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

type Timer = ReturnType<typeof setTimeout>;

function parse(data: unknown): ServerMessage | null {
  if (typeof data !== 'string') return null;
  try {
    const message: unknown = JSON.parse(data);
    return isMessage(message) ? message : null;
  } catch {
    return null;
  }
}

function isMessage(value: unknown): value is ServerMessage {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

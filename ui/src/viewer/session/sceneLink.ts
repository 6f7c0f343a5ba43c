// The scene's two data channels: wishes go out on `intent`, and what the scene is now comes in on `state`.

import type { ToldScene, Trouble, Wish } from '@shared/protocol';
import { Store } from '@shared/store';

import { Intents, type Settled } from './intents';
import { isTrouble, kept } from './trouble';

type Waiting = { resolve: (answer: unknown) => void; reject: (error: Error) => void };

export class SceneLink {
  /** The scene as the server last told it; `null` where there is none, or none that can be asked. */
  readonly scene = new Store<ToldScene | null>(null);
  /** What is the matter with it; `null` while all is well. */
  readonly trouble = new Store<Trouble | null>(null);
  private readonly intents = new Intents();
  private readonly waiting = new Map<number, Waiting>();
  private channel: RTCDataChannel | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes the channels that are its own. */
  attach(channel: RTCDataChannel): void {
    if (channel.label === 'state') {
      channel.onmessage = ({ data }) => {
        const told = readState(data);
        if (told !== undefined) this.tell(told);
      };
    } else if (channel.label === 'intent') {
      this.giveUp();
      this.channel = channel;
      channel.onclose = () => this.channel === channel && this.drop();
      channel.onmessage = ({ data }) => this.settle(this.intents.hear(data));
    }
  }

  /** The connection is gone, and with it all that was wished or told over it. */
  drop(): void {
    this.tell({ scene: null, trouble: null });
    this.giveUp();
  }

  private tell({ scene, trouble }: Told): void {
    this.trouble.set(kept(this.trouble.get(), trouble));
    this.scene.set(scene);
  }

  get isOpen(): boolean {
    return this.channel?.readyState === 'open';
  }

  /** Resolves with the scene's answer; fails with a sentence for the viewer. */
  wish(wish: Wish): Promise<unknown> {
    const channel = this.channel;
    if (channel?.readyState !== 'open') return Promise.reject(new Error(NO_WAY));
    const intent = this.intents.ask(wish, performance.now());
    if (!intent) return Promise.reject(new Error(TOO_MANY));
    channel.send(JSON.stringify(intent));
    this.watchDeadline();
    return new Promise((resolve, reject) => this.waiting.set(intent.id, { resolve, reject }));
  }

  private giveUp(): void {
    this.channel = null;
    this.intents.broken().forEach((one) => this.settle(one));
  }

  private settle(settled: Settled | null): void {
    const waiting = settled && this.waiting.get(settled.id);
    if (!waiting) return;
    this.waiting.delete(settled.id);
    this.watchDeadline();
    if ('error' in settled) waiting.reject(new Error(settled.error));
    else waiting.resolve(settled.ok);
  }

  private watchDeadline(): void {
    clearTimeout(this.timer);
    const next = this.intents.nextDeadline;
    if (next === null) return;
    this.timer = setTimeout(
      () => {
        this.intents.expire(performance.now()).forEach((one) => this.settle(one));
        this.watchDeadline();
      },
      Math.max(0, next - performance.now()),
    );
  }
}

const NO_WAY = 'There is no connection to the scene right now. Try it again in a moment.';
const TOO_MANY = 'The program has not answered the wishes before this one. Wait a moment.';

type Told = { scene: ToldScene | null; trouble: Trouble | null };

/** `undefined` for what is no state. */
function readState(data: unknown): Told | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(data);
    if (value === null) return { scene: null, trouble: null };
    if (typeof value !== 'object') return undefined;
    const trouble = 'trouble' in value && isTrouble(value.trouble) ? value.trouble : null;
    if (isState(value)) return { scene: value, trouble };
    return trouble === null ? undefined : { scene: null, trouble };
  } catch {
    return undefined;
  }
}

function isState(value: unknown): value is ToldScene {
  const parts = value as Partial<Record<keyof ToldScene, unknown>>;
  return (
    typeof value === 'object' &&
    typeof parts.time === 'string' &&
    typeof parts.rate_seconds_per_second === 'number' &&
    typeof parts.paused === 'boolean' &&
    typeof parts.focus === 'string' &&
    typeof parts.told === 'number'
  );
}

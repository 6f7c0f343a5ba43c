// The wishes that wait for their reply. Pure: the channel and the clock are in `sceneLink.ts`.

import type { Intent, IntentReply, Wish } from '@shared/protocol';

/** The node gives up after 20 s on a scene that does not answer, and its own sentence says more than ours. */
export const REPLY_WITHIN_MS = 25_000;
/** More than hands can wish within the time for a reply: beyond it something is stuck. */
const WAITING_MAX = 64;

/** What became of a wish. */
export type Settled = { id: number } & ({ ok: unknown } | { error: string });

const LATE = 'The program did not answer in time. Try it again.';
const BROKEN = 'The connection broke before the answer came. Look at the picture before you try again.';

export class Intents {
  private lastId = 0;
  private readonly deadlines = new Map<number, number>();

  get waiting(): number {
    return this.deadlines.size;
  }

  /** What to send for a wish; `null` while too many wait. */
  ask(wish: Wish, nowMs: number): Intent | null {
    if (this.deadlines.size >= WAITING_MAX) return null;
    this.lastId += 1;
    this.deadlines.set(this.lastId, nowMs + REPLY_WITHIN_MS);
    return { id: this.lastId, name: wish.name, args: wish.args };
  }

  /** `null` for what answers nothing that waits: late, twice, or not understood. */
  hear(data: unknown): Settled | null {
    const reply = read(data);
    if (!reply || !this.deadlines.delete(reply.id)) return null;
    return reply.error === undefined
      ? { id: reply.id, ok: reply.ok ?? null }
      : { id: reply.id, error: reply.error };
  }

  /** Those whose time is over. */
  expire(nowMs: number): Settled[] {
    const late = [...this.deadlines].filter(([, deadline]) => deadline <= nowMs).map(([id]) => id);
    return this.giveUp(late, LATE);
  }

  /** The channel is gone: nothing that waits is answered any more. */
  broken(): Settled[] {
    return this.giveUp([...this.deadlines.keys()], BROKEN);
  }

  /** When `expire` has something to do next. */
  get nextDeadline(): number | null {
    return this.deadlines.size === 0 ? null : Math.min(...this.deadlines.values());
  }

  private giveUp(ids: number[], error: string): Settled[] {
    ids.forEach((id) => this.deadlines.delete(id));
    return ids.map((id) => ({ id, error }));
  }
}

function read(data: unknown): IntentReply | null {
  if (typeof data !== 'string') return null;
  try {
    const value: unknown = JSON.parse(data);
    return isReply(value) ? value : null;
  } catch {
    return null;
  }
}

function isReply(value: unknown): value is IntentReply {
  if (typeof value !== 'object' || value === null || !('id' in value)) return false;
  const error = 'error' in value ? value.error : undefined;
  return typeof value.id === 'number' && (error === undefined || typeof error === 'string');
}

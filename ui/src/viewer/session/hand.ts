// What a hand holds, and the messages that follow from what it does. Pure: the DOM is in `input.ts`.

import type { KeysMessage, Point, PointerMessage, Velocities } from '@shared/protocol';

import { buttonChanges } from './mapping';

export class Hand {
  private buttons = 0;
  private readonly keys = new Set<string>();
  private seq = 0;
  private at: Point = { x: 0.5, y: 0.5 };

  /** Something is held: then silence must not be mistaken for a dead page. */
  get holds(): boolean {
    return this.buttons !== 0 || this.keys.size > 0;
  }

  get holdsButton(): boolean {
    return this.buttons !== 0;
  }

  move(point: Point): PointerMessage {
    this.at = point;
    return { type: 'move', seq: this.next(), ...point };
  }

  fly(velocities: Velocities): PointerMessage {
    return { type: 'fly', seq: this.next(), velocities };
  }

  stillHere(): PointerMessage {
    return { type: 'still_here', seq: this.next() };
  }

  /** `buttons` is the browser's bit mask of all that is pressed now. */
  press(buttons: number, point: Point): KeysMessage[] {
    const changes = buttonChanges(this.buttons, buttons);
    this.buttons = buttons;
    this.at = point;
    return changes.map((change) => ({ type: 'button', ...change, ...point }));
  }

  wheel(dx: number, dy: number): KeysMessage | null {
    return dx === 0 && dy === 0 ? null : { type: 'wheel', dx, dy, ...this.at };
  }

  /** Repeats are the program's own affair: a held key is one press. */
  keyDown(code: string): KeysMessage | null {
    if (code === '' || this.keys.has(code)) return null;
    this.keys.add(code);
    return { type: 'key', code, pressed: true };
  }

  /** A release of what was never pressed here is not passed on. */
  keyUp(code: string): KeysMessage[] {
    // Browsers on macOS swallow the releases of keys that were held together with Meta.
    if (code.startsWith('Meta')) return this.releaseAll();
    return this.keys.delete(code) ? [{ type: 'key', code, pressed: false }] : [];
  }

  releaseAll(): KeysMessage[] {
    const held = this.holds;
    this.buttons = 0;
    this.keys.clear();
    return held ? [{ type: 'release_all' }] : [];
  }

  private next(): number {
    this.seq += 1;
    return this.seq;
  }
}

// Flies the camera by fingers and gamepads. What they mean is decided in the files beside this one; here are the browser's
// frames and events. Nothing runs while nobody flies.

import type { Point, Velocities } from '@shared/protocol';

import { velocitiesOfPads } from './gamepad';
import { has, released, touched, velocitiesOf, type Hold, type Touch } from './gestures';
import { isRest, REST, together } from './velocities';
import { hasMoreToSay, silent, speak, type Voice } from './voice';

export type FlightSink = {
  fly: (velocities: Velocities) => void;
  maySteer: () => boolean;
  /** The program has a flight controller, as far as is known. */
  mayFly: () => boolean;
  /** Somebody flies who did not a moment ago. */
  onTakeOff: () => void;
  /** The same by somebody who is not in control. */
  onIdlePress: () => void;
  /** A hand of this kind is there. */
  onHand: (kind: 'touch' | 'gamepad') => void;
};

export class Pilot {
  private readonly sink: FlightSink;
  /** The height of the picture as it is shown. */
  private readonly height: () => number;
  private hold: Hold = released;
  private voice: Voice = silent;
  private padsMoved = false;
  private away = !document.hasFocus();
  private frame: number | null = null;

  constructor(sink: FlightSink, height: () => number, signal: AbortSignal) {
    this.sink = sink;
    this.height = height;
    window.addEventListener('blur', () => (this.away = true), { signal });
    window.addEventListener(
      'focus',
      () => {
        this.away = false;
        this.next();
      },
      { signal },
    );
    window.addEventListener('gamepadconnected', () => this.next(), { signal });
    window.addEventListener('gamepaddisconnected', () => this.next(), { signal });
    document.addEventListener('visibilitychange', () => this.next(), { signal });
    this.next();
  }

  /** Fingers are its own, until the last of them is lifted; in programs that have no flight controller they are a mouse. */
  get takesFingers(): boolean {
    return this.holdsFingers || this.sink.mayFly();
  }

  get holdsFingers(): boolean {
    return this.hold.fingers.length > 0;
  }

  holds(id: number): boolean {
    return has(this.hold, id);
  }

  /** True where it was a tap. */
  touch(type: Touch['type'], id: number, at: Point, now: number): boolean {
    if (type === 'down' && !this.holdsFingers) this.sink.onHand('touch');
    const { hold, tapped } = touched(this.hold, { type, id, at, now });
    this.hold = hold;
    if (hold.fingers.length === 0) this.say(REST);
    this.next();
    return tapped;
  }

  letGo(): void {
    this.hold = released;
    this.padsMoved = false;
    this.say(REST);
    this.next();
  }

  close(): void {
    this.letGo();
    if (this.frame !== null) cancelAnimationFrame(this.frame);
    this.frame = null;
  }

  private next(): void {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const pads = this.pads();
      this.say(together(velocitiesOf(this.hold, this.height()), this.ofPads(pads)));
      if (this.holdsFingers || pads.length > 0 || hasMoreToSay(this.voice)) this.next();
    });
  }

  /** Those that may be read now: a page in the background hears of them as well. Browsers have none over plain http. */
  private pads(): Gamepad[] {
    if (this.away || document.hidden || !('getGamepads' in navigator)) return [];
    return navigator.getGamepads().filter((pad) => pad !== null);
  }

  private ofPads(pads: Gamepad[]): Velocities {
    const velocities = this.sink.mayFly() ? velocitiesOfPads(pads) : REST;
    const moved = !isRest(velocities);
    if (moved && !this.padsMoved) {
      if (this.sink.maySteer()) this.sink.onHand('gamepad');
      else this.sink.onIdlePress();
    }
    this.padsMoved = moved;
    return velocities;
  }

  private say(wanted: Velocities): void {
    const rested = isRest(this.voice.said);
    const { voice, say } = speak(this.voice, this.sink.maySteer() ? wanted : REST, performance.now());
    this.voice = voice;
    if (say === null) return;
    if (rested && !isRest(say)) this.sink.onTakeOff();
    this.sink.fly(say);
  }
}

// Pointer, wheel and keys of the stage, sent on as the wire's messages. What is held is let go whenever the page might
// not see the release.

import type { KeysMessage, Point, PointerMessage, Velocities } from '@shared/protocol';

import { FrameGate } from './frameGate';
import { Hand } from './hand';
import { Pilot, type FlightSink } from './input/pilot';
import { notches, pictureBox, pinchNotches, placeIn, type Picture, type Place } from './mapping';

/** The server lets go of everything after 250 ms of silence. */
const STILL_HERE_MS = 100;

/** The way out of the stage for the keyboard; no program is known to use it. */
export function isWayOut(event: KeyboardEvent): boolean {
  return event.ctrlKey && event.altKey && event.code === 'KeyH';
}

export type InputSink = {
  pointer: (message: PointerMessage) => void;
  keys: (message: KeysMessage) => void;
  /** Asked before anything is sent. */
  maySteer: () => boolean;
  /** Nobody steers: the press that asks for control counts already. */
  mayTake: () => boolean;
  /** A press by somebody who is not in control. */
  onIdlePress: () => void;
  /** The keyboard leaves the stage by its shortcut. */
  onWayOut: () => void;
} & Pick<FlightSink, 'mayFly' | 'onTakeOff' | 'onHand'>;

type Wheel = { dx: number; dy: number };

export class StageInput {
  private readonly stage: HTMLElement;
  private readonly video: HTMLVideoElement;
  private readonly sink: InputSink;
  private readonly hand = new Hand();
  /** Fingers that are a mouse. */
  private readonly touches = new Map<number, Point>();
  private readonly pilot: Pilot;
  private readonly listening = new AbortController();
  private stillHere: ReturnType<typeof setInterval> | undefined;

  private readonly moves = new FrameGate<Point>(
    (point) => this.sink.pointer(this.hand.move(point)),
    (_kept, point) => point,
  );
  private readonly wheels = new FrameGate<Wheel>(
    ({ dx, dy }) => this.send(this.hand.wheel(dx, dy)),
    (kept, more) => ({ dx: kept.dx + more.dx, dy: kept.dy + more.dy }),
  );

  constructor(stage: HTMLElement, video: HTMLVideoElement, sink: InputSink) {
    this.stage = stage;
    this.video = video;
    this.sink = sink;
    const flight = { ...sink, fly: (velocities: Velocities) => sink.pointer(this.hand.fly(velocities)) };
    const height = () => pictureBox(this.video.getBoundingClientRect(), this.picture()).height;
    this.pilot = new Pilot(flight, height, this.listening.signal);
    this.listen();
  }

  close(): void {
    this.letGo();
    this.pilot.close();
    this.listening.abort();
  }

  /** Also called when control is lost. */
  letGo(): void {
    this.touches.clear();
    this.pilot.letGo();
    this.sendAll(this.hand.releaseAll());
    this.keepSaying();
  }

  private listen(): void {
    const { signal } = this.listening;
    const on = <K extends keyof HTMLElementEventMap>(name: K, act: (event: HTMLElementEventMap[K]) => void) =>
      this.stage.addEventListener(name, act, { signal, passive: false });
    on('pointerdown', (event) => this.pointerDown(event));
    on('pointermove', (event) => this.pointerMove(event));
    on('pointerup', (event) => this.pointerUp(event));
    on('pointercancel', () => this.letGo());
    on('lostpointercapture', () => this.hand.holdsButton && this.touches.size === 0 && this.letGo());
    on('wheel', (event) => this.wheel(event));
    on('keydown', (event) => this.keyDown(event));
    on('keyup', (event) => this.keyUp(event));
    on('contextmenu', (event) => event.preventDefault());
    on('blur', () => this.letGo());
    window.addEventListener('blur', () => this.letGo(), { signal });
    document.addEventListener('visibilitychange', () => this.letGo(), { signal });
  }

  private pointerDown(event: PointerEvent): void {
    event.preventDefault();
    this.stage.focus({ preventScroll: true });
    if (!this.sink.maySteer()) {
      const takes = this.sink.mayTake();
      this.sink.onIdlePress();
      if (!takes) return;
    }
    const place = this.place(event);
    const flies = event.pointerType === 'touch' && this.touches.size === 0 && this.pilot.takesFingers;
    // A press in the black bars is no press on the program. A further button during a drag is, and fingers that fly have the
    // whole window: on a phone that is held upright, the picture is a small part of it.
    if (!place.inside && !this.hand.holdsButton && !flies) return;
    this.stage.setPointerCapture(event.pointerId);
    if (flies) this.pilot.touch('down', event.pointerId, pointOf(event), event.timeStamp);
    else if (event.pointerType === 'touch') this.touchDown(event, place);
    else this.press(event.buttons, place.point);
  }

  private pointerMove(event: PointerEvent): void {
    if (this.pilot.holds(event.pointerId)) {
      this.pilot.touch('move', event.pointerId, pointOf(event), event.timeStamp);
      return;
    }
    if (!this.sink.maySteer()) return;
    if (event.pointerType === 'touch' && this.touches.size !== 1) {
      this.pinch(event);
      return;
    }
    const place = this.place(event);
    if (this.touches.has(event.pointerId)) this.touches.set(event.pointerId, pointOf(event));
    if (place.inside || this.hand.holdsButton) this.moves.offer(place.point);
    if (event.pointerType !== 'touch' && event.button !== -1) this.press(event.buttons, place.point);
  }

  private pointerUp(event: PointerEvent): void {
    if (this.pilot.holds(event.pointerId)) {
      const tapped = this.pilot.touch('up', event.pointerId, pointOf(event), event.timeStamp);
      if (tapped) this.click(this.place(event));
    } else if (event.pointerType === 'touch') {
      this.touches.delete(event.pointerId);
      this.press(0, this.place(event).point);
    } else {
      this.press(event.buttons, this.place(event).point);
    }
  }

  private click({ point, inside }: Place): void {
    if (!inside || !this.sink.maySteer()) return;
    this.sink.pointer(this.hand.move(point));
    this.press(1, point);
    this.press(0, point);
  }

  /** Where there is no flight controller: one finger drags with the left button; a second one turns the drag into a pinch. */
  private touchDown(event: PointerEvent, place: Place): void {
    this.touches.set(event.pointerId, pointOf(event));
    if (this.touches.size === 1) {
      this.sink.pointer(this.hand.move(place.point));
      this.press(1, place.point);
    } else {
      this.press(0, place.point);
    }
  }

  private pinch(event: PointerEvent): void {
    if (this.touches.size !== 2 || !this.touches.has(event.pointerId)) return;
    const before = this.fingerDistance();
    this.touches.set(event.pointerId, pointOf(event));
    this.wheels.offer({ dx: 0, dy: pinchNotches(before, this.fingerDistance()) });
  }

  private fingerDistance(): number {
    const [a, b] = [...this.touches.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    if (!this.sink.maySteer() || !this.place(event).inside) return;
    this.wheels.offer(notches(event));
  }

  private keyDown(event: KeyboardEvent): void {
    if (isWayOut(event)) {
      event.preventDefault();
      this.letGo();
      this.sink.onWayOut();
      return;
    }
    // Without control the keys stay the page's, so that Tab reaches the bar.
    if (!this.sink.maySteer()) return;
    event.preventDefault();
    if (!event.repeat) this.send(this.hand.keyDown(event.code));
    this.keepSaying();
  }

  private keyUp(event: KeyboardEvent): void {
    this.sendAll(this.hand.keyUp(event.code));
    this.keepSaying();
  }

  private press(buttons: number, point: Point): void {
    this.moves.flush();
    this.sendAll(this.hand.press(buttons, point));
    this.keepSaying();
  }

  private keepSaying(): void {
    if (this.hand.holds === (this.stillHere !== undefined)) return;
    clearInterval(this.stillHere);
    this.stillHere = this.hand.holds
      ? setInterval(() => this.sink.pointer(this.hand.stillHere()), STILL_HERE_MS)
      : undefined;
  }

  private place(event: MouseEvent): Place {
    return placeIn(event.clientX, event.clientY, this.video.getBoundingClientRect(), this.picture());
  }

  private picture(): Picture {
    return { width: this.video.videoWidth, height: this.video.videoHeight };
  }

  private send(message: KeysMessage | null): void {
    if (message) this.sink.keys(message);
  }

  private sendAll(messages: KeysMessage[]): void {
    messages.forEach((message) => this.sink.keys(message));
  }
}

function pointOf(event: PointerEvent): Point {
  return { x: event.clientX, y: event.clientY };
}

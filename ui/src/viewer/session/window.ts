// How large this page could show the picture: told when the window has come to rest.

import { placeOf } from './size';

/** A dragged edge changes the window at each frame; the program is to draw for the last of them. */
const REST_MS = 500;

export class ViewerWindow {
  private readonly element: HTMLElement;
  private readonly say: (place: { width: number; height: number }) => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(element: HTMLElement, say: (place: { width: number; height: number }) => void) {
    this.element = element;
    this.say = say;
  }

  watch(): void {
    // A window that moves to a screen of other pixels keeps its size in CSS: `resize` tells of that.
    window.addEventListener('resize', () => this.later());
    new ResizeObserver(() => this.later()).observe(this.element);
  }

  now(): void {
    clearTimeout(this.timer);
    const { clientWidth, clientHeight } = this.element;
    this.say(placeOf(clientWidth, clientHeight, window.devicePixelRatio));
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), REST_MS);
  }
}

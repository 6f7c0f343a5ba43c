// The viewer's ear. Nothing is sent while it is shut, and it opens by a press of the viewer, as browsers ask of pages: somebody who
// listened here before hears again from the first press on.

import { lasting } from '@shared/storage';

const VOLUME_KEY = 'volume';
const LISTENS_KEY = 'listens';

/** `waiting`: to be opened by the next press, wherever that is. */
export type Hearing = { ear: 'shut' | 'waiting' | 'open'; volume: number };

/** Whatever is remembered, as a volume from 0 to 1. */
export function knownVolume(text: string | null): number {
  const volume = Number(text ?? '1');
  return Number.isFinite(volume) && text !== '' ? Math.min(1, Math.max(0, volume)) : 1;
}

type EarOptions = { say: (on: boolean) => void; onChange: () => void };

export class Ear {
  readonly audio = new Audio();
  private readonly options: EarOptions;
  private ear: Hearing['ear'] = 'shut';
  private readonly press = (event: Event) => {
    // Who presses the switch itself says more than "from now on".
    const onSwitch = event.target instanceof Element && event.target.closest('[data-sound]') !== null;
    if (!onSwitch) this.open();
  };

  constructor(options: EarOptions) {
    this.options = options;
    this.audio.volume = knownVolume(lasting.get(VOLUME_KEY));
  }

  get hearing(): Hearing {
    return { ear: this.ear, volume: this.audio.volume };
  }

  start(): void {
    if (lasting.get(LISTENS_KEY) !== null) this.wait();
  }

  /** To be called by a press of the viewer: only then a browser lets a page be heard. */
  open(): void {
    this.stopWaiting();
    this.ear = 'open';
    lasting.set(LISTENS_KEY, 'true');
    // A peer that comes later is heard too.
    this.audio.autoplay = true;
    this.options.say(true);
    this.audio.play().catch((error: unknown) => {
      // That press was none for the browser. Anything else is a stream that changes: the next one plays by itself.
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.wait();
    });
    this.options.onChange();
  }

  shut(): void {
    this.stopWaiting();
    this.ear = 'shut';
    lasting.remove(LISTENS_KEY);
    this.audio.autoplay = false;
    this.audio.pause();
    this.options.say(false);
    this.options.onChange();
  }

  setVolume(volume: number): void {
    this.audio.volume = volume;
    lasting.set(VOLUME_KEY, String(volume));
    this.options.onChange();
  }

  /** To whoever knows nothing of it yet: another socket, another peer. */
  again(): void {
    if (this.ear === 'open') this.options.say(true);
  }

  private wait(): void {
    if (this.ear === 'open') this.options.say(false);
    this.ear = 'waiting';
    window.addEventListener('pointerup', this.press, { capture: true });
    window.addEventListener('keyup', this.press, { capture: true });
    this.options.onChange();
  }

  private stopWaiting(): void {
    window.removeEventListener('pointerup', this.press, { capture: true });
    window.removeEventListener('keyup', this.press, { capture: true });
  }
}

// The driver: does what the machine says, and tells it what happens. It runs outside React and begins before it.

import { ask, askJson, inWords, Refused } from '@shared/http';
import type {
  ControlAction,
  Hello,
  InviteCreated,
  KeysMessage,
  Launched,
  PointerMessage,
  QualityMode,
  Role,
  SizeMode,
  ViewerId,
  Wish,
} from '@shared/protocol';
import { sessionId } from '@shared/sessionId';
import { Signal } from '@shared/signal';
import { lasting } from '@shared/storage';
import { Store } from '@shared/store';

import { signalUrl } from './address';
import { Ear, type Hearing } from './ear';
import { StageInput } from './input';
import {
  inControl,
  initial,
  maySteer,
  mayTake,
  phaseOf,
  step,
  type Effect,
  type Input,
  type State,
} from './machine';
import { Meter } from './meter';
import { Peer } from './peer';
import { reportOf } from './minute';
import { knownMode } from './quality';
import { SceneLink } from './sceneLink';
import { Signaling } from './signaling';
import { watchSleep } from './sleep';
import type { MediaStats, StreamStats } from './stats';
import { outage } from './trouble';
import { ViewerWindow } from './window';

/** The signaling protocol this page speaks. */
const PROTOCOL = 1;
/** Moves that wait in the channel are old: newer ones are dropped until these are out. */
const POINTER_BACKLOG_BYTES = 4_096;
/** Between tries to get a session from a server that does not answer. */
const SESSION_RETRY_MS = 1_000;

/** A long recording over a slow line. */
const DOWNLOAD_WITHIN_MS = 10 * 60_000;

/** Where the browser remembers the mode. */
const QUALITY_KEY = 'quality';

export type SessionOptions = {
  instance: string;
  invite: string | null;
  video: HTMLVideoElement;
  stage: HTMLElement;
};

/** What the screen draws; a new object at each change. */
export type View = { state: State; media: MediaStats; quality: QualityMode; hearing: Hearing };

export class Session {
  readonly instance: string;
  private readonly options: SessionOptions;
  private state: State;
  private view: View;
  private readonly signaling: Signaling;
  private readonly peer: Peer;
  private readonly meter: Meter;
  private readonly input: StageInput;
  private readonly window: ViewerWindow;
  private readonly ear: Ear;
  private readonly sceneLink = new SceneLink();
  /** What the scene is now, whoever changed it; `null` for programs that tell nothing of theirs. */
  readonly scene = this.sceneLink.scene;
  /** What is the matter with OpenSpace while its picture goes on. */
  readonly trouble = this.sceneLink.trouble;
  private readonly channels = new Map<string, RTCDataChannel>();
  private readonly listeners = new Set<() => void>();
  /** Somebody presses on the picture who does not steer. */
  readonly idlePress = new Signal();
  /** The keyboard leaves the picture by its shortcut. */
  readonly wayOut = new Signal();
  /** Sentences for the viewer that pass. */
  readonly notice = new Signal<string>();
  /** By what the camera is flown, once it is. */
  readonly hand = new Store<'touch' | 'gamepad' | null>(null);
  private quality: QualityMode = knownMode(lasting.get(QUALITY_KEY));
  private mediaTimer: ReturnType<typeof setTimeout> | undefined;
  private againTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionOptions) {
    this.options = options;
    this.instance = options.instance;
    this.state = initial(options.invite !== null);
    this.signaling = new Signaling({
      url: signalUrl(window.location, options.instance),
      hello: () => this.hello(),
      onMessage: (message) => this.dispatch({ type: 'message', message }),
      onDown: () => this.dispatch({ type: 'link_down' }),
    });
    this.ear = new Ear({
      say: (on) => this.signaling.send({ type: 'sound', on }),
      onChange: () => this.publish(),
    });
    this.peer = new Peer({
      video: options.video,
      audio: this.ear.audio,
      onAnswer: (sdp) => this.signaling.send({ type: 'answer', sdp }),
      onCandidate: (candidate) => this.signaling.send({ type: 'candidate', ...candidate }),
      onEvent: (event) => this.dispatch({ type: 'peer', event }),
      onChannel: (channel) => {
        this.channels.set(channel.label, channel);
        this.sceneLink.attach(channel);
      },
    });
    this.meter = new Meter(
      options.video,
      () => this.peer.stats,
      () => this.dispatch({ type: 'frame' }),
      () => this.publish(),
    );
    this.view = this.look();
    this.input = new StageInput(options.stage, options.video, {
      pointer: (message) => this.sendPointer(message),
      keys: (message) => this.sendKeys(message),
      maySteer: () => maySteer(this.state),
      mayTake: () => mayTake(this.state),
      onIdlePress: () => {
        if (mayTake(this.state)) this.control('request');
        this.idlePress.emit();
      },
      onWayOut: () => this.wayOut.emit(),
      mayFly: () => this.scene.get() !== null && outage(this.trouble.get(), 'everything') === null,
      onTakeOff: () => this.takeOver(),
      onHand: (kind) => this.hand.set(kind),
    });
    this.window = new ViewerWindow(options.stage, (size) => this.signaling.send({ type: 'window', ...size }));
    this.publish();
  }

  start(): void {
    this.window.watch();
    this.ear.start();
    window.addEventListener('online', () => this.signaling.wake());
    window.addEventListener('pagehide', () => this.leave());
    // Out of the browser's back-forward cache: what was closed on leaving is opened by beginning again.
    window.addEventListener('pageshow', (event) => event.persisted && window.location.reload());
    document.addEventListener('visibilitychange', () => this.sayVisible());
    watchSleep(() => this.signaling.renew());
    void this.begin();
  }

  readonly snapshot = (): View => this.view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly stats = (): StreamStats => {
    const { viewers, role } = this.state;
    const phase = phaseOf(this.state);
    return { phase, ...this.meter.current, viewers: viewers.length, role };
  };

  control(action: ControlAction, viewerId?: ViewerId): void {
    this.signaling.send({
      type: 'control',
      action,
      ...(viewerId === undefined ? {} : { viewer_id: viewerId }),
    });
  }

  /** Lengthens what the `ending` warns of. */
  stay(): void {
    this.signaling.send({ type: 'stay' });
  }

  /** What the picture is to be good at, for this viewer; kept for the next visit. */
  setQuality(mode: QualityMode): void {
    this.quality = mode;
    lasting.set(QUALITY_KEY, mode);
    this.signaling.send({ type: 'quality', mode });
    this.publish();
  }

  /** "My stream is bad": the last minute goes to the machine, which says what became of it. */
  report(): void {
    const report = reportOf(this.meter.minute, navigator.userAgent, performance.now());
    const sent = this.signaling.send({ type: 'report', ...report });
    if (!sent) this.notice.emit('The machine cannot be reached right now. Try again in a moment.');
  }

  /** By a press of the viewer only. */
  listen(on: boolean): void {
    if (on) this.ear.open();
    else this.ear.shut();
  }

  setVolume(volume: number): void {
    this.ear.setVolume(volume);
  }

  /** How large the picture is to be, for everybody. */
  setSize(mode: SizeMode): void {
    this.window.now();
    this.signaling.send({ type: 'size', mode });
  }

  /** Resolves with the scene's answer; fails with a sentence. What it changed is told by `scene`. */
  readonly wish = (wish: Wish): Promise<unknown> => this.sceneLink.wish(wish);

  /** Is there a way to the scene right now? */
  readonly canWish = (): boolean => this.sceneLink.isOpen;

  /** A wish whose refusal is shown to the viewer. */
  send(wish: Wish): void {
    this.wish(wish).catch((error: unknown) => this.notice.emit(inWords(error)));
  }

  /** A file that the program has kept for its viewers. Its address says nothing: who asks is in a header. */
  async kept(kind: 'screenshots' | 'recordings', name: string): Promise<Blob> {
    const answer = await ask(`/api/v1/instances/${this.instance}/${kind}/${encodeURIComponent(name)}`, {
      bearer: sessionId.get(),
      accept: '*/*',
      signal: AbortSignal.timeout(DOWNLOAD_WITHIN_MS),
    });
    return answer.blob();
  }

  again(): void {
    clearTimeout(this.againTimer);
    this.dispatch({ type: 'again' });
  }

  async stop(): Promise<void> {
    await ask(`/api/v1/instances/${this.instance}`, { method: 'DELETE', bearer: sessionId.get() });
  }

  /** The whole address of an invitation. */
  async invite(role: Role, ttlS: number): Promise<string> {
    const { url } = await askJson<InviteCreated>(`/api/v1/instances/${this.instance}/invites`, {
      method: 'POST',
      body: { role, ttl_s: ttlS },
      bearer: sessionId.get(),
    });
    return new URL(url, window.location.href).href;
  }

  /** Goes on elsewhere with what is lost. Under its own name: this page is let in there as soon as it begins. */
  async rescue(): Promise<void> {
    try {
      const launched = await askJson<Launched>('/api/v1/instances', {
        method: 'POST',
        body: { resume: this.instance },
        bearer: sessionId.get(),
      });
      if (!('url' in launched)) window.location.assign('/');
    } catch (error) {
      this.notice.emit(inWords(error));
    }
  }

  /** While it flies by itself, the program does as if nobody were there. */
  private takeOver(): void {
    if (this.scene.get()?.mode === 'camera_path') this.send({ name: 'stop_flight', args: {} });
  }

  /** A page that goes frees the wheel, so that the same person's next page finds it free. */
  private leave(): void {
    this.input.letGo();
    if (inControl(this.state)) this.control('release');
    this.signaling.stop();
    this.peer.drop();
  }

  private async begin(): Promise<void> {
    if (sessionId.get() === null) await this.renewSession();
    else this.signaling.start();
  }

  private hello(): Hello {
    const { viewerId } = this.state;
    const { invite } = this.options;
    return {
      protocol: PROTOCOL,
      session_id: sessionId.get() ?? '',
      ...(invite === null ? {} : { invite }),
      ...(viewerId === null ? {} : { viewer_id: viewerId }),
    };
  }

  private dispatch(input: Input): void {
    const steered = maySteer(this.state);
    const welcomed = input.type === 'message' && input.message.type === 'welcome';
    const { state, effects } = step(this.state, input);
    const changed = state !== this.state;
    this.state = state;
    effects.forEach((effect) => this.perform(effect));
    if (steered && !maySteer(state)) this.input.letGo();
    if (welcomed && document.hidden) this.sayVisible();
    if (welcomed) {
      this.signaling.send({ type: 'quality', mode: this.quality });
      this.window.now();
      this.ear.again();
    }
    if (changed) this.publish();
  }

  private perform(effect: Effect): void {
    switch (effect.do) {
      case 'send':
        this.signaling.send(effect.message);
        break;
      case 'accept_offer':
        this.peer.accept(effect.sdp, effect.iceServers);
        break;
      case 'add_candidate':
        this.peer.addCandidate(effect.candidate, effect.sdpMid);
        break;
      case 'drop_peer':
        this.peer.drop();
        this.channels.clear();
        this.sceneLink.drop();
        break;
      case 'start_link':
        void this.begin();
        break;
      case 'stop_link':
        this.signaling.stop();
        break;
      case 'renew_session':
        void this.renewSession();
        break;
      case 'watch_media':
        clearTimeout(this.mediaTimer);
        this.mediaTimer = setTimeout(() => this.dispatch({ type: 'media_late' }), effect.ms);
        break;
      case 'notify':
        this.notice.emit(effect.message);
        break;
      case 'again_after':
        clearTimeout(this.againTimer);
        this.againTimer = setTimeout(() => this.dispatch({ type: 'again' }), effect.ms);
        break;
    }
  }

  private async renewSession(): Promise<void> {
    for (;;) {
      try {
        await sessionId.renew();
        this.dispatch({ type: 'session_renewed' });
        return;
      } catch (error) {
        if (error instanceof Refused) {
          this.dispatch({ type: 'session_failed', message: inWords(error) });
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, SESSION_RETRY_MS));
      }
    }
  }

  private sayVisible(): void {
    if (!document.hidden) this.signaling.wake();
    this.signaling.send({ type: 'visible', visible: !document.hidden });
  }

  private sendPointer(message: PointerMessage): void {
    const channel = this.channels.get('pointer');
    if (channel?.readyState !== 'open' || channel.bufferedAmount > POINTER_BACKLOG_BYTES) return;
    channel.send(JSON.stringify(message));
  }

  private sendKeys(message: KeysMessage): void {
    const channel = this.channels.get('keys');
    if (channel?.readyState === 'open') channel.send(JSON.stringify(message));
  }

  private look(): View {
    const { hearing } = this.ear;
    return { state: this.state, media: this.meter.current, quality: this.quality, hearing };
  }

  private publish(): void {
    document.documentElement.dataset.phase = phaseOf(this.state);
    this.view = this.look();
    this.listeners.forEach((listener) => listener());
  }
}

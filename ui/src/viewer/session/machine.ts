// What the stream page knows and what it does next. Pure: no sockets, no clock, no DOM.
//
//   connecting ──welcome──► queued / starting ──ready──► negotiating ──first frame──► live
//       ▲                        ▲                            │                        │
//       │                        └──── the program restarts ──┴────────────────────────┤
//       └───────── reconnecting ◄── socket lost, or media lost beyond an ICE restart ◄─┘
//   from anywhere: refused (the server said no), ended (stopped, or taken over by another tab)
//
// Two things live apart: the *link* (signaling socket, which reconnects by itself) and the *media* (peer connection,
// which outlives the link). What people and tests see, the phase, follows from both.

import type {
  ByeReason,
  EndingNews,
  IceServer,
  InstanceNews,
  PictureNews,
  RefusalReason,
  Role,
  ServerMessage,
  SizeNews,
  ViewerId,
  ViewerMessage,
  ViewerView,
} from '@shared/protocol';

import { atLeast } from './roles';

/** `document.documentElement.dataset.phase`: tests and other programs read it. */
export type ViewerPhase =
  'connecting' | 'queued' | 'starting' | 'negotiating' | 'live' | 'reconnecting' | 'ended' | 'refused';

/**
 * - `shaky`: packets stopped; it often mends by itself.
 * - `mending`: an ICE restart was asked for.
 */
export type Media = 'none' | 'negotiating' | 'connected' | 'shaky' | 'mending';

export type Refusal = { reason: RefusalReason; message: string; retryAfterS: number | null };

export type State = {
  status: 'active' | 'refused' | 'ended';
  link: 'down' | 'up';
  /** Was this page ever let in? Then a lost link is "reconnecting", not "connecting". */
  welcomed: boolean;
  media: Media;
  /** A picture of the present run of the program is on the screen. */
  picture: boolean;
  viewerId: ViewerId | null;
  role: Role | null;
  iceServers: IceServer[];
  instance: InstanceNews | null;
  /** What is shown here, and what made it. */
  made: PictureNews | null;
  viewers: ViewerView[];
  holder: ViewerId | null;
  /** Of the picture, and what it goes by; `null` where the server tells nothing of it. */
  size: SizeNews | null;
  /** Can the program be heard? `null` until the server has said. */
  sound: boolean | null;
  refusal: Refusal | null;
  bye: ByeReason | null;
  /** It ends soon; counted, since the seconds of each message begin with it. */
  ending: { news: EndingNews; nth: number } | null;
  /** An invite was given: then a new session is as good as the old one. */
  invited: boolean;
  sessionRenewed: boolean;
};

export type Input =
  | { type: 'message'; message: ServerMessage }
  /** The socket closed, or could not be opened. It is tried again by itself. */
  | { type: 'link_down' }
  | { type: 'peer'; event: 'new' | 'connected' | 'disconnected' | 'failed' }
  /** A frame is on the screen. */
  | { type: 'frame' }
  /** The time of the last `watch_media` is over. */
  | { type: 'media_late' }
  /** The viewer pressed "try again", or the pause after a refusal is over. */
  | { type: 'again' }
  | { type: 'session_renewed' }
  | { type: 'session_failed'; message: string };

export type Effect =
  | { do: 'send'; message: ViewerMessage }
  | { do: 'accept_offer'; sdp: string; iceServers: IceServer[] }
  | { do: 'add_candidate'; candidate: string; sdpMid: string | null }
  | { do: 'drop_peer' }
  | { do: 'start_link' }
  | { do: 'stop_link' }
  | { do: 'renew_session' }
  /** Says `media_late` after this time; replaces an earlier one. */
  | { do: 'watch_media'; ms: number }
  /** A wish was refused; everything else goes on. */
  | { do: 'notify'; message: string }
  /** Says `again` after this time. */
  | { do: 'again_after'; ms: number };

export type Step = { state: State; effects: Effect[] };

/** Offer, answer and ICE take under a second in a LAN; a phone on a bad network needs a few. */
const NEGOTIATION_MS = 10_000;
/** How long packets may stop before an ICE restart: most gaps of a mobile network end by themselves. */
const SHAKY_MS = 2_500;
/** After a resumption the server offers anew by itself where it saw the media break too. */
const RESUMED_MS = 700;
/** How long an ICE restart may take before everything is begun anew. */
const MENDING_MS = 5_000;

export function initial(invited: boolean): State {
  return {
    status: 'active',
    link: 'down',
    welcomed: false,
    media: 'none',
    picture: false,
    viewerId: null,
    role: null,
    iceServers: [],
    instance: null,
    made: null,
    viewers: [],
    holder: null,
    size: null,
    sound: null,
    refusal: null,
    bye: null,
    ending: null,
    invited,
    sessionRenewed: false,
  };
}

export function phaseOf(state: State): ViewerPhase {
  if (state.status !== 'active') return state.status;
  if (state.link === 'down') return state.welcomed ? 'reconnecting' : 'connecting';
  switch (state.instance?.state) {
    case undefined:
      return 'connecting';
    case 'queued':
      return 'queued';
    case 'starting':
    case 'restarting':
      return 'starting';
    case 'lost':
      return 'reconnecting';
    case 'stopping':
    case 'stopped':
    case 'failed':
      return 'ended';
    case 'ready':
      return mediaPhase(state);
  }
}

function mediaPhase(state: State): ViewerPhase {
  if (state.media === 'shaky' || state.media === 'mending') return 'reconnecting';
  return state.media === 'connected' && state.picture ? 'live' : 'negotiating';
}

export function inControl(state: State): boolean {
  return state.viewerId !== null && state.holder === state.viewerId;
}

/** Nobody steers, and this viewer may: a press on the picture is enough. */
export function mayTake(state: State): boolean {
  return state.holder === null && atLeast(state.role, 'pilot') && phaseOf(state) === 'live';
}

/** What this viewer's clicks and keys may do right now. */
export function maySteer(state: State): boolean {
  return inControl(state) && phaseOf(state) === 'live';
}

export function step(state: State, input: Input): Step {
  switch (input.type) {
    case 'message':
      return state.status === 'active' ? message(state, input.message) : stay(state);
    case 'link_down':
      return linkDown(state);
    case 'peer':
      return state.status === 'active' ? peer(state, input.event) : stay(state);
    case 'frame':
      return frame(state);
    case 'media_late':
      return mediaLate(state);
    case 'again':
      return again(state);
    case 'session_renewed':
      return state.status === 'active'
        ? to({ ...state, sessionRenewed: true }, { do: 'start_link' })
        : stay(state);
    case 'session_failed':
      return refuse(state, { reason: 'unavailable', message: input.message, retryAfterS: 5 });
  }
}

function message(state: State, message: ServerMessage): Step {
  switch (message.type) {
    case 'welcome':
      return welcome(state, message);
    case 'instance':
      return news(state, message);
    case 'offer':
      return offer(state, message.sdp);
    case 'candidate':
      return to(state, { do: 'add_candidate', candidate: message.candidate, sdpMid: message.sdp_mid });
    case 'viewers':
      return stay({ ...state, viewers: message.list });
    case 'control':
      return stay({ ...state, holder: message.holder });
    case 'picture':
      return stay({ ...state, made: message });
    case 'size':
      return size(state, message);
    case 'sound':
      return stay({ ...state, sound: message.there });
    case 'notice':
      return to(state, { do: 'notify', message: message.message });
    case 'ending':
      return stay({ ...state, ending: ending(state, message.ending) });
    case 'refused':
      return refused(state, message.reason, message.message, message.retry_after_s);
    case 'bye':
      return bye(state, message.reason);
    case 'pong':
      return stay(state);
    default:
      // A later server may say more than this page knows.
      return stay(state);
  }
}

/** That it could not be had is told once; the menu says it as long as it is so. */
function size(state: State, news: SizeNews): Step {
  const next = { ...state, size: news };
  const { trouble } = news;
  return trouble === null || trouble === state.size?.trouble
    ? stay(next)
    : to(next, { do: 'notify', message: trouble });
}

function ending(state: State, news: EndingNews | null): State['ending'] {
  return news && { news, nth: (state.ending?.nth ?? 0) + 1 };
}

type Welcome = Extract<ServerMessage, { type: 'welcome' }>;

function welcome(state: State, message: Welcome): Step {
  const resumed = state.viewerId === message.viewer_id && state.media !== 'none';
  const next: State = {
    ...state,
    link: 'up',
    welcomed: true,
    viewerId: message.viewer_id,
    role: message.role,
    iceServers: message.ice_servers,
    instance: message.instance,
    // It is told again after the welcome, where there is one.
    ending: null,
    refusal: null,
    picture: state.picture && resumed && message.instance.state === 'ready',
  };
  if (resumed) {
    const flows = next.media === 'connected' || next.media === 'negotiating';
    return flows ? stay(next) : to({ ...next, media: 'shaky' }, { do: 'watch_media', ms: RESUMED_MS });
  }
  const effects: Effect[] = state.media === 'none' ? [] : [{ do: 'drop_peer' }];
  if (message.instance.state === 'ready') effects.push({ do: 'watch_media', ms: NEGOTIATION_MS });
  return { state: { ...next, media: 'none' }, effects };
}

function news(state: State, instance: InstanceNews): Step {
  const ready = instance.state === 'ready';
  const next = { ...state, instance, picture: state.picture && ready };
  const becameReady = ready && state.instance?.state !== 'ready';
  return becameReady && state.media === 'none'
    ? to(next, { do: 'watch_media', ms: NEGOTIATION_MS })
    : stay(next);
}

function offer(state: State, sdp: string): Step {
  const accept: Effect = { do: 'accept_offer', sdp, iceServers: state.iceServers };
  if (state.media !== 'none') return to(state, accept);
  return to({ ...state, media: 'negotiating' }, accept, { do: 'watch_media', ms: NEGOTIATION_MS });
}

function peer(state: State, event: 'new' | 'connected' | 'disconnected' | 'failed'): Step {
  switch (event) {
    case 'new':
      return to(
        { ...state, media: 'negotiating', picture: false },
        { do: 'watch_media', ms: NEGOTIATION_MS },
      );
    case 'connected':
      return state.media === 'none' ? stay(state) : stay({ ...state, media: 'connected' });
    case 'disconnected':
      return state.media === 'connected'
        ? to({ ...state, media: 'shaky' }, { do: 'watch_media', ms: SHAKY_MS })
        : stay(state);
    case 'failed':
      if (state.media === 'none') return stay(state);
      return state.media === 'mending' ? anew(state) : mend(state);
  }
}

/** A frame counts only while the program runs: what is still in the pipe of an ended one is no picture of the next. */
function frame(state: State): Step {
  const counts = state.media !== 'none' && state.instance?.state === 'ready';
  return counts && !state.picture ? stay({ ...state, picture: true }) : stay(state);
}

function mediaLate(state: State): Step {
  if (state.status !== 'active' || state.link === 'down') return stay(state);
  switch (state.media) {
    case 'none':
      return state.instance?.state === 'ready' ? anew(state) : stay(state);
    case 'negotiating':
    case 'mending':
      return anew(state);
    case 'shaky':
      return mend(state);
    case 'connected':
      return stay(state);
  }
}

/** Asks for an ICE restart. Without a link the next welcome sees to it. */
function mend(state: State): Step {
  const next: State = { ...state, media: 'mending' };
  if (state.link === 'down') return stay(next);
  return to(next, { do: 'send', message: { type: 'restart_ice' } }, { do: 'watch_media', ms: MENDING_MS });
}

/** Begins again as a new viewer, with a new peer. */
function anew(state: State): Step {
  const next: State = { ...state, link: 'down', media: 'none', picture: false, viewerId: null };
  return to(next, { do: 'drop_peer' }, { do: 'start_link' });
}

function linkDown(state: State): Step {
  if (state.status !== 'active') return stay({ ...state, link: 'down' });
  return state.instance?.state === 'stopped' ? bye(state, 'stopped') : stay({ ...state, link: 'down' });
}

function refused(state: State, reason: RefusalReason, words: string, retryAfterS: number | null): Step {
  // Once let in, it is a wish that is refused. A server that means an end says goodbye or hangs up.
  if (state.link === 'up') return to(state, { do: 'notify', message: words });
  // It was being stopped when the link broke, and now it is gone: that is an end, not a refusal.
  const wasStopping = state.instance?.state === 'stopping' || state.instance?.state === 'stopped';
  if (reason === 'not_found' && wasStopping) return bye(state, 'stopped');
  if (reason === 'stale_session' && state.invited && !state.sessionRenewed) {
    return to({ ...state, link: 'down', viewerId: null }, { do: 'stop_link' }, { do: 'renew_session' });
  }
  return refuse(state, { reason, message: words, retryAfterS });
}

function refuse(state: State, refusal: Refusal): Step {
  const effects: Effect[] = [{ do: 'stop_link' }];
  if (state.media !== 'none') effects.push({ do: 'drop_peer' });
  if (refusal.retryAfterS !== null) effects.push({ do: 'again_after', ms: refusal.retryAfterS * 1_000 });
  return { state: { ...closed(state), status: 'refused', refusal }, effects };
}

function bye(state: State, reason: ByeReason): Step {
  switch (reason) {
    case 'stopped':
    case 'replaced':
      return to({ ...closed(state), status: 'ended', bye: reason }, { do: 'stop_link' }, { do: 'drop_peer' });
    case 'shutdown':
    case 'too_many_messages':
      // The socket closes next and is opened again, as after any loss.
      return stay({ ...state, bye: reason });
  }
}

function closed(state: State): State {
  return { ...state, link: 'down', media: 'none', picture: false, viewerId: null, holder: null, viewers: [] };
}

function again(state: State): Step {
  if (state.status === 'active') return stay(state);
  return to(
    { ...initial(state.invited), welcomed: state.welcomed, sessionRenewed: false },
    { do: 'start_link' },
  );
}

function stay(state: State): Step {
  return { state, effects: [] };
}

function to(state: State, ...effects: Effect[]): Step {
  return { state, effects };
}

import type { InstanceNews, InstanceState, RefusalReason, ServerMessage } from '@shared/protocol';
import { describe, expect, test } from 'vitest';

import {
  initial,
  inControl,
  maySteer,
  mayTake,
  phaseOf,
  step,
  type Effect,
  type Input,
  type State,
  type ViewerPhase,
} from './machine';

const ME = '11111111-1111-4111-8111-111111111111';
const OTHER = '22222222-2222-4222-8222-222222222222';

describe('the way to a picture', () => {
  test('connecting, starting, negotiating, live', () => {
    const seen = phases([
      { type: 'message', message: welcome('starting') },
      { type: 'message', message: news('ready') },
      { type: 'message', message: { type: 'offer', sdp: 'v=0' } },
      { type: 'peer', event: 'connected' },
      { type: 'frame' },
    ]);
    expect(seen).toEqual(['connecting', 'starting', 'negotiating', 'negotiating', 'negotiating', 'live']);
  });

  test('a queued instance says so', () => {
    expect(phases([{ type: 'message', message: welcome('queued') }]).at(-1)).toBe('queued');
  });

  test('an offer is answered with the servers of the welcome', () => {
    const { effects } = run(joined(), [{ type: 'message', message: { type: 'offer', sdp: 'v=0' } }]);
    expect(effects[0]).toEqual({ do: 'accept_offer', sdp: 'v=0', iceServers: [{ urls: ['stun:here'] }] });
  });

  test('a frame before the program is ready is no picture of it', () => {
    const { state } = run(initial(false), [
      { type: 'message', message: welcome('starting') },
      { type: 'message', message: { type: 'offer', sdp: 'v=0' } },
      { type: 'peer', event: 'connected' },
      { type: 'frame' },
      { type: 'message', message: news('ready') },
    ]);
    expect(phaseOf(state)).toBe('negotiating');
  });

  test('without an offer in time it begins anew as a new viewer', () => {
    const { state, effects } = run(joined(), [{ type: 'media_late' }]);
    expect(effects).toEqual([{ do: 'drop_peer' }, { do: 'start_link' }]);
    expect(state.viewerId).toBeNull();
  });
});

test('a size that could not be had is told once', () => {
  const told = (trouble: string | null): Input => ({
    type: 'message',
    message: {
      type: 'size',
      mode: { by: 'launched' },
      width: 1280,
      height: 720,
      width_max: 3840,
      height_max: 2160,
      trouble,
    },
  });
  const { state, effects } = run(joined(), [told(null), told('no')]);
  expect(effects).toEqual([{ do: 'notify', message: 'no' }]);
  expect(step(state, told('no')).effects).toEqual([]);
});

describe('losing and finding again', () => {
  test('a program that restarts keeps the peer and shows no old picture as live', () => {
    const down = run(live(), [{ type: 'message', message: news('restarting') }]);
    expect(phaseOf(down.state)).toBe('starting');
    expect(down.effects).toEqual([]);
    const up = run(down.state, [{ type: 'message', message: news('ready') }]);
    expect(phaseOf(up.state)).toBe('negotiating');
    expect(phaseOf(run(up.state, [{ type: 'frame' }]).state)).toBe('live');
  });

  test('a lost link keeps the media, and a welcome with the same id goes on with it', () => {
    const lost = run(live(), [{ type: 'link_down' }]);
    expect(phaseOf(lost.state)).toBe('reconnecting');
    expect(lost.effects).toEqual([]);
    const back = run(lost.state, [{ type: 'message', message: welcome('ready') }]);
    expect(phaseOf(back.state)).toBe('live');
    expect(back.effects).toEqual([]);
  });

  test('a welcome with another id means a new peer', () => {
    const lost = run(live(), [{ type: 'link_down' }]);
    const back = run(lost.state, [{ type: 'message', message: welcome('ready', OTHER) }]);
    expect(back.effects[0]).toEqual({ do: 'drop_peer' });
    expect(phaseOf(back.state)).toBe('negotiating');
  });

  test('media that stops is given a moment, then an ICE restart, then a new start', () => {
    const shaky = run(live(), [{ type: 'peer', event: 'disconnected' }]);
    expect(phaseOf(shaky.state)).toBe('reconnecting');
    const mending = run(shaky.state, [{ type: 'media_late' }]);
    expect(mending.effects[0]).toEqual({ do: 'send', message: { type: 'restart_ice' } });
    const anew = run(mending.state, [{ type: 'media_late' }]);
    expect(anew.effects).toEqual([{ do: 'drop_peer' }, { do: 'start_link' }]);
  });

  test('media that comes back by itself is live again', () => {
    const back = run(live(), [
      { type: 'peer', event: 'disconnected' },
      { type: 'peer', event: 'connected' },
    ]);
    expect(phaseOf(back.state)).toBe('live');
    expect(run(back.state, [{ type: 'media_late' }]).effects).toEqual([]);
  });

  test('media that broke while the link was down is mended at the welcome', () => {
    const { state, effects } = run(live(), [{ type: 'link_down' }, { type: 'peer', event: 'failed' }]);
    expect(effects).toEqual([]);
    const back = run(state, [{ type: 'message', message: welcome('ready') }]);
    expect(back.effects).toEqual([{ do: 'watch_media', ms: 700 }]);
    expect(run(back.state, [{ type: 'media_late' }]).effects[0]).toEqual({
      do: 'send',
      message: { type: 'restart_ice' },
    });
  });

  test('a new far peer is waited for like the first', () => {
    const { state, effects } = run(live(), [{ type: 'peer', event: 'new' }]);
    expect(phaseOf(state)).toBe('negotiating');
    expect(effects).toEqual([{ do: 'watch_media', ms: 10_000 }]);
  });

  test('a server that shuts down is waited for', () => {
    const { state } = run(live(), [
      { type: 'message', message: { type: 'bye', reason: 'shutdown' } },
      { type: 'link_down' },
    ]);
    expect(phaseOf(state)).toBe('reconnecting');
  });
});

describe('no and the end', () => {
  test.each<RefusalReason>(['not_found', 'bad_invite', 'not_allowed', 'unsupported_protocol', 'malformed'])(
    '%s is final until somebody tries again',
    (reason) => {
      const { state, effects } = run(initial(false), [refusal(reason)]);
      expect(phaseOf(state)).toBe('refused');
      expect(effects).toEqual([{ do: 'stop_link' }]);
      expect(run(state, [{ type: 'again' }]).effects).toEqual([{ do: 'start_link' }]);
    },
  );

  test('once let in, a refusal is of a wish: the picture goes on', () => {
    const { state, effects } = run(live(), [refusal('not_allowed')]);
    expect(phaseOf(state)).toBe('live');
    expect(effects).toEqual([{ do: 'notify', message: 'No.' }]);
  });

  test('full with a time is tried again then', () => {
    const { effects } = run(initial(false), [refusal('full', 7)]);
    expect(effects).toContainEqual({ do: 'again_after', ms: 7_000 });
  });

  test('a stale session is renewed once for an invited guest', () => {
    const first = run(initial(true), [refusal('stale_session')]);
    expect(first.effects).toEqual([{ do: 'stop_link' }, { do: 'renew_session' }]);
    const second = run(first.state, [{ type: 'session_renewed' }, refusal('stale_session')]);
    expect(phaseOf(second.state)).toBe('refused');
  });

  test('a stale session without an invite is refused: a new one would not see the instance', () => {
    expect(phaseOf(run(initial(false), [refusal('stale_session')]).state)).toBe('refused');
  });

  test.each<'stopped' | 'replaced'>(['stopped', 'replaced'])('bye %s ends it', (reason) => {
    const { state, effects } = run(live(), [{ type: 'message', message: { type: 'bye', reason } }]);
    expect(phaseOf(state)).toBe('ended');
    expect(effects).toEqual([{ do: 'stop_link' }, { do: 'drop_peer' }]);
  });

  test('an instance that is gone after its stop has ended, not been refused', () => {
    const { state } = run(live(), [
      { type: 'message', message: news('stopping') },
      { type: 'link_down' },
      refusal('not_found'),
    ]);
    expect(phaseOf(state)).toBe('ended');
  });

  test('a failed instance is shown as ended and comes back when it is started again', () => {
    const failed = run(live(), [{ type: 'message', message: news('failed') }]);
    expect(phaseOf(failed.state)).toBe('ended');
    expect(phaseOf(run(failed.state, [{ type: 'message', message: news('starting') }]).state)).toBe(
      'starting',
    );
  });
});

describe('control', () => {
  test('a free wheel may be taken by whoever may steer, while the picture is live', () => {
    expect(mayTake(live())).toBe(true);
    expect(mayTake({ ...live(), role: 'watcher' })).toBe(false);
    expect(mayTake({ ...live(), holder: OTHER })).toBe(false);
    expect(mayTake(run(live(), [{ type: 'link_down' }]).state)).toBe(false);
  });

  test('only the holder steers, and only a live picture', () => {
    const held = run(live(), [{ type: 'message', message: { type: 'control', holder: ME } }]).state;
    expect(inControl(held)).toBe(true);
    expect(maySteer(held)).toBe(true);
    expect(maySteer(run(held, [{ type: 'link_down' }]).state)).toBe(false);
    expect(
      maySteer(run(held, [{ type: 'message', message: { type: 'control', holder: OTHER } }]).state),
    ).toBe(false);
  });
});

test('every input is answered in every state, and a closed page does nothing by itself', () => {
  for (const [name, state] of Object.entries(everyState())) {
    for (const input of everyInput()) {
      const { state: next, effects } = step(state, input);
      expect(phaseOf(next), `${name} + ${JSON.stringify(input)}`).toBeTruthy();
      const closed = state.status !== 'active';
      const wakes = input.type === 'again' || input.type === 'session_failed';
      if (closed && !wakes) expect(effects, `${name} + ${JSON.stringify(input)}`).toEqual([]);
      // Nobody steers a picture that is not there.
      if (maySteer(next)) expect(phaseOf(next)).toBe('live');
    }
  }
});

test('a message that this page does not know changes nothing', () => {
  const unknown = { type: 'weather', sunny: true } as unknown as ServerMessage;
  expect(step(live(), { type: 'message', message: unknown })).toEqual({ state: live(), effects: [] });
});

// ---- helpers ----

function run(state: State, inputs: Input[]): { state: State; effects: Effect[] } {
  let effects: Effect[] = [];
  for (const input of inputs) ({ state, effects } = step(state, input));
  return { state, effects };
}

function phases(inputs: Input[]): ViewerPhase[] {
  const seen = [phaseOf(initial(false))];
  let state = initial(false);
  for (const input of inputs) {
    state = step(state, input).state;
    seen.push(phaseOf(state));
  }
  return seen;
}

function instance(state: InstanceState): InstanceNews {
  return {
    instance_id: OTHER,
    state,
    phase: null,
    detail: null,
    progress: null,
    attempt: 1,
    message: null,
    build_name: 'Demo sky',
    demo: true,
    rescue: null,
    has_scene: true,
  };
}

function welcome(state: InstanceState, viewer_id = ME): ServerMessage {
  return {
    type: 'welcome',
    viewer_id,
    role: 'owner',
    ice_servers: [{ urls: ['stun:here'] }],
    instance: instance(state),
  };
}

function news(state: InstanceState): ServerMessage {
  return { type: 'instance', ...instance(state) };
}

function refusal(reason: RefusalReason, retry_after_s: number | null = null): Input {
  return { type: 'message', message: { type: 'refused', reason, message: 'No.', retry_after_s } };
}

function joined(): State {
  return run(initial(false), [{ type: 'message', message: welcome('ready') }]).state;
}

function live(): State {
  return run(joined(), [
    { type: 'message', message: { type: 'offer', sdp: 'v=0' } },
    { type: 'peer', event: 'connected' },
    { type: 'frame' },
  ]).state;
}

function everyState(): Record<string, State> {
  const instanceStates: InstanceState[] = [
    'queued',
    'starting',
    'ready',
    'restarting',
    'stopping',
    'stopped',
    'failed',
    'lost',
  ];
  return {
    initial: initial(false),
    invited: initial(true),
    ...Object.fromEntries(
      instanceStates.map((state) => [state, run(live(), [{ type: 'message', message: news(state) }]).state]),
    ),
    joined: joined(),
    negotiating: run(joined(), [{ type: 'message', message: { type: 'offer', sdp: 'v=0' } }]).state,
    live: live(),
    linkLost: run(live(), [{ type: 'link_down' }]).state,
    shaky: run(live(), [{ type: 'peer', event: 'disconnected' }]).state,
    mending: run(live(), [{ type: 'peer', event: 'failed' }]).state,
    refused: run(live(), [{ type: 'link_down' }, refusal('not_allowed')]).state,
    ended: run(live(), [{ type: 'message', message: { type: 'bye', reason: 'stopped' } }]).state,
  };
}

function everyInput(): Input[] {
  const messages: ServerMessage[] = [
    welcome('ready'),
    welcome('starting', OTHER),
    news('ready'),
    news('restarting'),
    news('stopped'),
    { type: 'offer', sdp: 'v=0' },
    { type: 'candidate', candidate: 'candidate:1', sdp_mid: '0' },
    { type: 'viewers', list: [{ viewer_id: ME, role: 'owner' }] },
    { type: 'control', holder: ME },
    { type: 'refused', reason: 'full', message: 'Full.', retry_after_s: 3 },
    { type: 'refused', reason: 'not_found', message: 'No.', retry_after_s: null },
    { type: 'refused', reason: 'stale_session', message: 'No.', retry_after_s: null },
    { type: 'bye', reason: 'stopped' },
    { type: 'bye', reason: 'replaced' },
    { type: 'bye', reason: 'shutdown' },
    { type: 'bye', reason: 'too_many_messages' },
    { type: 'pong' },
  ];
  return [
    ...messages.map((message): Input => ({ type: 'message', message })),
    { type: 'link_down' },
    { type: 'peer', event: 'new' },
    { type: 'peer', event: 'connected' },
    { type: 'peer', event: 'disconnected' },
    { type: 'peer', event: 'failed' },
    { type: 'frame' },
    { type: 'media_late' },
    { type: 'again' },
    { type: 'session_renewed' },
    { type: 'session_failed', message: 'Too many sessions.' },
  ];
}

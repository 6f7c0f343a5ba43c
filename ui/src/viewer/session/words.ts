// What the stage says in each phase: what happened, to what, what comes next. Pure.

import { phaseSentence } from '@shared/instanceWords';
import type { RefusalReason, Rescue } from '@shared/protocol';

import { phaseOf, type State } from './machine';

export type Words = {
  title: string;
  detail: string;
  /** How far a start has come. */
  step: string | null;
  /** Something is under way, and nobody has to do anything. */
  busy: boolean;
  /** Is it a way out to go home? */
  home: boolean;
  /** 0–1 where it can be told. */
  progress: number | null;
  /** Is there something to try by hand? */
  again: string | null;
  /** Its machine is lost: what a press that goes on elsewhere is called. */
  rescue: string | null;
};

/** `null` while the picture speaks for itself. */
export function wordsOf(state: State): Words | null {
  switch (phaseOf(state)) {
    case 'live':
      return null;
    case 'connecting':
      return busy('Connecting', 'Asking the server for this stream.');
    case 'reconnecting':
      return reconnecting(state);
    case 'queued':
      return busy('Waiting for a place', state.instance?.message ?? 'It starts as soon as a place is free.');
    case 'starting':
      return starting(state);
    case 'negotiating':
      return busy(
        'Opening the picture',
        state.instance?.message ?? 'The program runs. The video path to this browser is being set up.',
      );
    case 'refused':
      return refused(state);
    case 'ended':
      return ended(state);
  }
}

const rescueWords = {
  resume: 'Continue on another machine',
  anew: 'Start it anew on another machine',
} satisfies Record<Rescue, string>;

function reconnecting(state: State): Words {
  if (state.instance?.state === 'lost') {
    const { message, rescue } = state.instance;
    const words = message ?? 'The machine of this instance does not answer.';
    return { ...busy('Waiting for the machine', words), home: true, rescue: rescue && rescueWords[rescue] };
  }
  const why =
    state.bye === 'shutdown'
      ? 'The server is being restarted. The program itself runs on.'
      : 'The connection was lost. The program runs on, and your place is kept.';
  return busy('Reconnecting…', why);
}

function starting(state: State): Words {
  const instance = state.instance;
  const step = instance === null ? null : phaseSentence(instance);
  const progress = instance?.progress ?? null;
  const what = instance?.build_name ?? 'the program';
  if (instance !== null && (instance.state === 'restarting' || instance.attempt > 1)) {
    const tries = instance.attempt > 1 ? ` (try ${instance.attempt})` : '';
    const words = instance.message ?? `The program ended and is being restarted${tries}.`;
    const title = instance.message === null ? `Restarting ${what}` : `Restarting ${what}${tries}`;
    return { ...busy(title, sentences(words, 'Your place is kept.')), step, progress };
  }
  return { ...busy(`Starting ${what}`, instance?.message ?? 'It will be here in a moment.'), step, progress };
}

const refusalTitles = {
  not_found: 'There is no such stream for you',
  stale_session: 'The server no longer knows this browser',
  bad_invite: 'This invitation does not hold any more',
  not_allowed: 'You may not watch this stream',
  full: 'The stream is full',
  draining: 'The machine takes nobody new',
  unavailable: 'The stream cannot be shown',
  unsupported_protocol: 'This page is out of date',
  malformed: 'The server did not understand this page',
} satisfies Record<RefusalReason, string>;

function refused(state: State): Words {
  const refusal = state.refusal;
  if (!refusal) return quiet('The server said no', 'It gave no reason.', 'Try again');
  const later = refusal.retryAfterS === null ? null : `It is tried again in ${refusal.retryAfterS} s.`;
  const outdated = refusal.reason === 'unsupported_protocol' || refusal.reason === 'malformed';
  return quiet(
    refusalTitles[refusal.reason],
    sentences(refusal.message, later, outdated ? 'Reload the page.' : null),
    'Try again',
  );
}

function ended(state: State): Words {
  if (state.bye === 'replaced') {
    return quiet(
      'Watched in another tab',
      'This stream was opened again elsewhere, so it ended here.',
      'Watch it here',
    );
  }
  if (state.instance?.state === 'failed') {
    return quiet(
      `${state.instance.build_name} could not be kept running`,
      state.instance.message ?? 'It ended too often. An administrator can start it again.',
      null,
    );
  }
  if (state.instance?.state === 'stopping' && state.status === 'active') {
    return busy('Stopping', 'The program is being closed.');
  }
  return quiet(
    'The stream has ended',
    sentences(
      state.instance?.message ?? 'The program was stopped.',
      state.instance?.has_scene === false
        ? 'On the home page you can launch another one.'
        : 'On the home page you can go on where it was left, or launch a new one.',
    ),
    null,
  );
}

function busy(title: string, detail: string): Words {
  return { title, detail, step: null, busy: true, home: false, progress: null, again: null, rescue: null };
}

function quiet(title: string, detail: string, again: string | null): Words {
  return { title, detail, step: null, busy: false, home: true, progress: null, again, rescue: null };
}

/** The sentences that are there, none twice. */
function sentences(...parts: (string | null | undefined)[]): string {
  return [...new Set(parts.filter((part): part is string => typeof part === 'string' && part !== ''))].join(
    ' ',
  );
}

// The states of an instance in words and colours, the same on every page.

import { sentence } from '@shared/format';
import type { InstanceState, Phase } from '@shared/protocol';

export type Tone = 'calm' | 'good' | 'busy' | 'bad';

export const stateWords = {
  queued: { label: 'Queued', tone: 'busy' },
  starting: { label: 'Starting', tone: 'busy' },
  ready: { label: 'Running', tone: 'good' },
  restarting: { label: 'Restarting', tone: 'busy' },
  stopping: { label: 'Stopping', tone: 'busy' },
  stopped: { label: 'Stopped', tone: 'calm' },
  failed: { label: 'Failed', tone: 'bad' },
  lost: { label: 'Machine does not answer', tone: 'bad' },
} satisfies Record<InstanceState, { label: string; tone: Tone }>;

/** The steps of a start, in the order in which they usually come. */
const steps: Phase[] = ['display', 'launching', 'loading', 'window', 'connecting'];

const phaseWords = {
  display: 'setting up its display',
  launching: 'starting the program',
  loading: 'loading its scene',
  window: 'waiting for its window',
  connecting: 'connecting to it',
} satisfies Record<Phase, string>;

type Progress = { phase: Phase | null; detail: string | null };

/** "loading its scene (3 of 5)" */
function phaseLine(phase: Phase | null): string | null {
  if (phase === null) return null;
  return `${phaseWords[phase]} (${steps.indexOf(phase) + 1} of ${steps.length})`;
}

/** "Loading its scene (3 of 5): loading “mars”…" */
export function phaseSentence({ phase, detail }: Progress): string | null {
  const line = [phaseLine(phase), detail].filter((part) => part !== null).join(': ');
  return line === '' ? null : `${sentence(line)}…`;
}

/** Does it hold a place on its machine? */
export function isLive(state: InstanceState): boolean {
  return ['queued', 'starting', 'ready', 'restarting', 'stopping'].includes(state);
}

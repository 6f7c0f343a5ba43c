// What may be done to an instance in which state: one table, and the reason where it may not.

import { stateWords } from '@shared/instanceWords';
import type { InstanceState } from '@shared/protocol';

export const instanceActions = {
  open: ['queued', 'starting', 'ready', 'restarting'],
  stop: ['queued', 'starting', 'ready', 'restarting'],
  restart: ['ready', 'restarting', 'stopped', 'failed'],
  remove: ['stopped', 'failed', 'lost'],
} satisfies Record<string, InstanceState[]>;

export type InstanceAction = keyof typeof instanceActions;

export const actionWords = {
  open: 'Open stream',
  stop: 'Stop',
  restart: 'Restart',
  remove: 'Remove',
} satisfies Record<InstanceAction, string>;

/** `null`: it may be done. Otherwise a sentence that says why not. */
export function whyNot(action: InstanceAction, state: InstanceState): string | null {
  const states: readonly InstanceState[] = instanceActions[action];
  if (states.includes(state)) return null;
  const is = stateWords[state].label.toLowerCase();
  switch (action) {
    case 'open':
      return `There is no stream: ${is}.`;
    case 'stop':
      return `There is nothing to stop: ${is}.`;
    case 'restart':
      return `It cannot be restarted now: ${is}.`;
    case 'remove':
      return 'It is still alive: stop it first.';
  }
}

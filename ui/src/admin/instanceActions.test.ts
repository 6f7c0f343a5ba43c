import { stateWords } from '@shared/instanceWords';
import type { InstanceState } from '@shared/protocol';
import { expect, test } from 'vitest';

import { instanceActions, whyNot, type InstanceAction } from './instanceActions';

const states = Object.keys(stateWords) as InstanceState[];
const actions = Object.keys(instanceActions) as InstanceAction[];

test('each action is either allowed or refused with a sentence, in every state', () => {
  for (const action of actions) {
    for (const state of states) {
      const why = whyNot(action, state);
      const allowed = (instanceActions[action] as InstanceState[]).includes(state);
      if (allowed) expect(why, `${action} in ${state}`).toBeNull();
      else expect(why, `${action} in ${state}`).toMatch(/^[A-Z].*\.$/);
    }
  }
});

test('what runs can be stopped but not removed, what ended can be removed but not stopped', () => {
  for (const state of states) {
    expect(whyNot('stop', state) === null && whyNot('remove', state) === null, state).toBe(false);
  }
  expect(whyNot('stop', 'ready')).toBeNull();
  expect(whyNot('remove', 'failed')).toBeNull();
});

test('nothing is done to what is being stopped', () => {
  expect(actions.filter((action) => whyNot(action, 'stopping') === null)).toEqual([]);
});

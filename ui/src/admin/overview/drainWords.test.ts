import type { AdminInstance } from '@shared/protocol';
import { expect, it } from 'vitest';

import { drainWords } from './drainWords';

function one(state: string, standby = false): AdminInstance {
  return { instance: { state, standby } } as AdminInstance;
}

it('says what still runs, and until when', () => {
  const [open, until] = [
    { since: 0, until: null },
    { since: 0, until: 600_000 },
  ];
  expect(drainWords(open, [], 0)).toBe('Nothing runs on it any more.');
  expect(drainWords(open, [one('failed'), one('ready', true)], 0)).toBe('Nothing runs on it any more.');
  expect(drainWords(open, [one('ready')], 0)).toBe('1 instance still runs, until it ends.');
  expect(drainWords(until, [one('ready'), one('starting')], 0)).toBe(
    '2 instances still run; in 10 min they are ended.',
  );
  expect(drainWords(until, [one('stopping')], 700_000)).toBe('1 instance still runs, and is being ended.');
});

import type { TicketView } from '@shared/protocol';
import { describe, expect, test } from 'vitest';

import { turnTitle, turnWords } from './turn';

const ticket = (change: Partial<TicketView>): TicketView => ({
  ticket_id: 't',
  state: 'waiting',
  position: 3,
  eta_s: null,
  held_s: null,
  build: 'demo',
  profile: null,
  ...change,
});

describe('a place in the queue', () => {
  test.each([
    [{}, 'You are number 3 in the queue', 'not known yet'],
    [{ position: 1, eta_s: 40 }, 'You are next', 'less than a minute'],
    [{ eta_s: 720 }, 'You are number 3 in the queue', 'about 12 min'],
    [{ state: 'held', held_s: 42 } as const, 'It is your turn', 'another 42 s'],
    [{ state: 'lapsed' } as const, 'Your turn came and went', 'went to the next'],
  ])('is told in words: %j', (change, title, detail) => {
    const words = turnWords(ticket(change));
    expect(words.title).toBe(title);
    expect(words.detail).toContain(detail);
  });

  test('shows in the title of the tab', () => {
    expect(turnTitle([])).toBeNull();
    expect(turnTitle([ticket({ state: 'lapsed' })])).toBeNull();
    expect(turnTitle([ticket({})])).toBe('#3 in the queue');
    expect(turnTitle([ticket({}), ticket({ state: 'held' })])).toContain('Your turn');
  });
});

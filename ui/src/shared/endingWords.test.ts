import { describe, expect, it } from 'vitest';

import { countdown, endingWords, endsIn } from './endingWords';

describe('the words of an ending', () => {
  it('count down, and say what can be done by whom', () => {
    const idle = { why: 'unmoved', left_s: 272, stay_s: 3_600, stays_left: null } as const;
    expect(endingWords(idle, 272, true)).toEqual({
      title: 'Nobody has moved anything for a while.',
      detail: 'It ends in 4:32.',
      stay: 'Stay',
    });
    expect(endingWords(idle, 7, false)).toMatchObject({
      detail: 'It ends in 0:07. Somebody who may steer can let it stay.',
      stay: null,
    });
    expect(endingWords(idle, 0, true)).toMatchObject({ detail: 'It ends now.', stay: null });
  });

  it('say honestly whether the longest session can be lengthened', () => {
    const longest = { why: 'longest', left_s: 60, stay_s: 1_800, stays_left: 1 } as const;
    expect(endingWords(longest, 60, true)).toMatchObject({
      detail: 'It ends in 1:00. It can be lengthened once more.',
      stay: 'Stay 30 min longer',
    });
    expect(endingWords({ ...longest, stay_s: null, stays_left: null }, 60, true)).toMatchObject({
      detail: 'It ends in 1:00. It cannot be lengthened; what it shows is kept, to go on with later.',
      stay: null,
    });
  });

  it('say that a machine is being emptied, without an hour, where it has none', () => {
    const emptied = { why: 'drained', left_s: null, stay_s: null, stays_left: null } as const;
    const words = endingWords(emptied, null, true);
    expect(words.title).toMatch(/taken out of service/);
    expect(words).toMatchObject({ stay: null });
    expect(words.detail).not.toMatch(/\d/);
  });

  it('are short in lists', () => {
    expect(endsIn({ why: 'unwatched', at: 240_000 }, 0)).toBe('Ends in 4 min, since nobody watches it.');
    expect(endsIn({ why: 'longest', at: 0 }, 5_000)).toBe('Ends now, when its time is over.');
    expect(countdown(7_500)).toBe('2 h 5 min');
  });
});

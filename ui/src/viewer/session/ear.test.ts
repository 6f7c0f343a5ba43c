import { expect, test } from 'vitest';

import { knownVolume } from './ear';

test('whatever is remembered is a volume', () => {
  for (const [text, volume] of [
    [null, 1],
    ['0.25', 0.25],
    ['0', 0],
    ['7', 1],
    ['-1', 0],
    ['loud', 1],
    ['', 1],
  ] as const) {
    expect(knownVolume(text)).toBe(volume);
  }
});

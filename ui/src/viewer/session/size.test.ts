import type { SizeNews } from '@shared/protocol';
import { expect, test } from 'vitest';

import { explained, isTooLarge, placeOf, sameMode, sizeChoices } from './size';

const news: SizeNews = {
  mode: { by: 'launched' },
  width: 1280,
  height: 720,
  width_max: 1920,
  height_max: 1080,
  trouble: null,
};

test('a place is counted in the pixels of the screen', () => {
  expect(placeOf(1280, 720.4, 1)).toEqual({ width: 1280, height: 720 });
  expect(placeOf(390, 844, 3)).toEqual({ width: 1170, height: 2532 });
  expect(placeOf(0, 0, 2)).toEqual({ width: 1, height: 1 });
});

test('each choice is the same as itself and no other', () => {
  for (const one of sizeChoices) {
    expect(sizeChoices.filter((other) => sameMode(one.mode, other.mode))).toEqual([one]);
  }
});

test('every choice is explained', () => {
  expect(new Set(sizeChoices.map((choice) => explained(choice, news, true))).size).toBe(sizeChoices.length);
});

test('what is more than the machine takes cannot be chosen', () => {
  expect(sizeChoices.filter(({ mode }) => isTooLarge(mode, news)).map(({ name }) => name)).toEqual([
    '1440p',
    '4K',
  ]);
});

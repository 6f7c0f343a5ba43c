import type { SceneState } from '@shared/protocol';
import { expect, test } from 'vitest';

import { distanceWords, doingWords, geoWords, placeWords } from './place';

test.each([
  [0, '0 m'],
  [350.4, '350 m'],
  [999, '999 m'],
  [1_000, '1 km'],
  [12_421_000, '12,400 km'],
  [384_400_000, '384,000 km'],
  [1.4e10, '14 million km'],
  [1.496e10, '0.1 AU'],
  [1.496e11, '1 AU'],
  [2.279e11, '1.52 AU'],
  [6e14, '4,010 AU'],
  [9.47e14, '0.1 light years'],
  [9.4607e15, '1 light year'],
  [4.0114e16, '4.24 light years'],
  [2.4e22, '2.54 million light years'],
  [4.4e26, '46.5 billion light years'],
  [-12_000, '-12 km'],
  [Number.NaN, ''],
  [Number.POSITIVE_INFINITY, ''],
])('%d metres are “%s”', (metres, words) => {
  expect(distanceWords(metres)).toBe(words);
});

test.each([
  [48.21, 16.37, '48.2° N 16.4° E'],
  [-33.86, -151.2, '33.9° S 151.2° W'],
  [0.04, 0, '0.0° 0.0°'],
  [10, 181, '10.0° N 179.0° W'],
  [10, -190, '10.0° N 170.0° E'],
  [Number.NaN, 0, ''],
])('%d, %d is “%s”', (latitude, longitude, words) => {
  expect(geoWords({ latitude, longitude, altitude_m: 0 })).toBe(words);
});

test('near a globe its place is told, and far out only how far', () => {
  const vienna = { latitude: 48.2, longitude: 16.4 };
  expect(placeWords({ ...vienna, altitude_m: 12_400_000 })).toBe('48.2° N 16.4° E · 12,400 km');
  expect(placeWords({ ...vienna, altitude_m: 3e11 })).toBe('2.01 AU');
  expect(placeWords({ ...vienna, altitude_m: Number.NaN })).toBe('');
  expect(placeWords(undefined)).toBe('');
});

test('what the camera does is said in a word or two', () => {
  const scene = { mode: 'user_control', camera: { latitude: 0, longitude: 0, altitude_m: 1 } } as SceneState;
  expect(doingWords(scene)).toBe('Above');
  expect(doingWords({ ...scene, camera: undefined })).toBe('Looking at');
  expect(doingWords({ ...scene, mode: 'camera_path' })).toBe('Flying to');
  expect(doingWords({ ...scene, mode: 'playback' })).toBe('A recording shows');
});

import { expect, test } from 'vitest';

import { sceneWords } from './sceneWords';

test('a scene is told by its place and its day', () => {
  expect(sceneWords({ focus: 'Mars', time: '1997-07-04T16:56:00.000' })).toBe('Mars, 4 July 1997');
  expect(sceneWords({ focus: 'Mars', time: '1997-07-04T23:59:00.000Z' })).toBe('Mars, 4 July 1997');
  expect(sceneWords({ focus: 'Mars', time: '' })).toBe('Mars');
});

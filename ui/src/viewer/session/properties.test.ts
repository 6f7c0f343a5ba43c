import type { SceneProperty } from '@shared/protocol';
import { expect, test } from 'vitest';

import { byOwner, fromHex, innerOwner, isProperty, slides, stepOf, toHex, valueWords } from './properties';

const property = (uri: string, owner: string): SceneProperty => ({
  uri,
  name: uri,
  owner,
  description: '',
  kind: { type: 'switch' },
  value: true,
});

test('settings are grouped by what they belong to', () => {
  const list = [
    property('a', 'Mars › Renderable › Layers'),
    property('b', 'Mars'),
    property('c', 'Dashboard'),
    property('d', ''),
  ];
  expect(byOwner(list).map(({ name, properties }) => [name, properties.map(({ uri }) => uri)])).toEqual([
    ['Mars', ['a', 'b']],
    ['Dashboard', ['c']],
    ['Other', ['d']],
  ]);
  expect(list.map(innerOwner)).toEqual(['Layers', '', '', '']);
});

test.each([
  [{ min: 0, max: 1, whole: false }, 0.01, true],
  [{ min: 0, max: 1, step: 0.25, whole: false }, 0.25, true],
  [{ min: 0, max: 1, step: 5, whole: false }, 0.01, true],
  [{ min: 1, max: 9, step: 0.1, whole: true }, 1, true],
  [{ min: 0, max: 1e9, step: 1, whole: false }, 1, false],
  [{ min: 0, max: 1e6, whole: true }, 1, false],
])('%j has steps of %d, slider: %s', (kind, step, slider) => {
  expect(stepOf(kind)).toBeCloseTo(step);
  expect(slides(kind)).toBe(slider);
});

test('a value is shown with as many digits as are read', () => {
  expect(valueWords(0.30000000000000004)).toBe('0.3');
  expect(valueWords(1234567)).toBe('1,235,000');
  expect(valueWords(Number.NaN)).toBe('');
});

test('colours go to the picker and back', () => {
  expect(toHex([1, 0.5, 0])).toBe('#ff8000');
  expect(toHex([2, -1, 0, 0.5])).toBe('#ff000080');
  expect(fromHex('#FF8000', false)?.map((part) => part.toFixed(2))).toEqual(['1.00', '0.50', '0.00']);
  expect(fromHex('#ff8000', true)).toHaveLength(4);
  expect(fromHex('#ff800080', false)).toHaveLength(3);
  for (const none of ['', 'red', '#ff80', '#ff80000', 'rgb(1,2,3)']) expect(fromHex(none, false)).toBeNull();
});

test('what is of a kind that this page does not know is not shown', () => {
  const known = property('a', 'Mars');
  expect(isProperty(known)).toBe(true);
  expect(isProperty({ ...known, kind: { type: 'choice', options: [] }, value: 3 })).toBe(true);
  for (const unknown of [
    null,
    [],
    { ...known, kind: { type: 'text' }, value: 'os.exit()' },
    { ...known, kind: undefined },
    { ...known, value: 1 },
    { ...known, kind: { type: 'vector', min: [], max: [], whole: false }, value: ['1'] },
    { ...known, name: 5 },
  ])
    expect(isProperty(unknown)).toBe(false);
});

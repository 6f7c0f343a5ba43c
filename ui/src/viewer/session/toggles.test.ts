import type { SceneToggle } from '@shared/protocol';
import { expect, test } from 'vitest';

import { fulfilled, grouped, isToggle, within } from './toggles';

const toggle = (id: string, group: string[], shown = true): SceneToggle => ({
  id,
  name: id,
  group,
  shown,
  fades: false,
});

const scene = [
  toggle('Comet', []),
  toggle('Earth', ['Solar System', 'Planets', 'Earth']),
  toggle('Stars', ['Milky Way'], false),
  toggle('Mars', ['Solar System', 'Planets', 'Mars'], false),
];

test('they are grouped as OpenSpace groups them, what has no group last', () => {
  const groups = grouped(scene, '').map(({ name, toggles, shown }) => [
    name,
    toggles.map(({ id }) => id),
    shown,
  ]);
  expect(groups).toEqual([
    ['Milky Way', ['Stars'], 0],
    ['Solar System', ['Earth', 'Mars'], 1],
    ['Other', ['Comet'], 1],
  ]);
});

test('a search looks at names and groups, word by word', () => {
  const found = (search: string) =>
    grouped(scene, search).flatMap(({ toggles }) => toggles.map(({ id }) => id));
  expect(found('solar mars')).toEqual(['Mars']);
  expect(found('  PLANETS ')).toEqual(['Earth', 'Mars']);
  expect(found('vulcan')).toEqual([]);
});

test('where in its group something is leaves out what the heading says', () => {
  expect(within(toggle('Earth', ['Solar System', 'Planets', 'Earth']))).toBe('Planets › Earth');
  expect(within(toggle('Comet', []))).toBe('');
});

test('a wish is open until the scene says that it came true, or that the thing is gone', () => {
  const wished = new Map([
    ['Earth', false],
    ['Stars', false],
    ['Gone', true],
  ]);
  expect([...fulfilled(wished, scene)]).toEqual([['Earth', false]]);
  const open = new Map([['Earth', false]]);
  expect(fulfilled(open, scene)).toBe(open);
});

test('what is no toggle is not taken for one', () => {
  expect(isToggle(scene[0])).toBe(true);
  for (const garbage of [null, 3, [], {}, { ...scene[0], shown: 'yes' }, { ...scene[0], group: null }])
    expect(isToggle(garbage)).toBe(false);
});

import type { SceneAction } from '@shared/protocol';
import { expect, test } from 'vitest';

import { actionGroups, capsOf, isAction } from './keyWords';

test.each([
  ['T', ['T']],
  ['Ctrl+Shift+PAGE_UP', ['Ctrl', 'Shift', 'Page up']],
  ['SPACE', ['Space']],
  ['Alt+LEFT', ['Alt', '←']],
  ['KP_5', ['Num 5']],
  ['F11', ['F11']],
  ['CAPS_LOCK', ['Caps lock']],
  ['', []],
])('%s is printed as %j', (binding, caps) => {
  expect(capsOf(binding)).toEqual(caps);
});

const action = (name: string, group: string[], keys: string[] = []): SceneAction => ({
  id: name,
  name,
  description: `About ${name}.`,
  group,
  keys,
});

const actions = [
  action('Trails', ['Solar System'], ['T']),
  action('Loose', []),
  action('Pause', ['Time', 'Simulation'], ['SPACE']),
  action('Labels', ['Solar System']),
];

test('actions come by group, what has none last', () => {
  const told = actionGroups(actions, '').map(({ name, actions }) => [
    name,
    ...actions.map((one) => one.name),
  ]);
  expect(told).toEqual([
    ['Solar System', 'Labels', 'Trails'],
    ['Time › Simulation', 'Pause'],
    ['Other', 'Loose'],
  ]);
});

test('a search looks at words, groups and keys', () => {
  const found = (search: string) =>
    actionGroups(actions, search).flatMap(({ actions }) => actions.map(({ id }) => id));
  expect(found('space')).toEqual(['Pause']);
  expect(found('solar about tr')).toEqual(['Trails']);
  expect(found('nothing')).toEqual([]);
});

test('what is no action is not taken for one', () => {
  expect(isAction(actions[0])).toBe(true);
  for (const garbage of [null, {}, { ...actions[0], group: undefined }, { ...actions[0], keys: 'T' }])
    expect(isAction(garbage)).toBe(false);
});

import type { Mission, MissionPhase } from '@shared/protocol';
import { expect, test } from 'vitest';

import {
  drawnAt,
  fraction,
  isMission,
  milestonesOf,
  nearest,
  outline,
  pathTo,
  rangeWords,
  whenWords,
  widths,
} from './missions';

const phase = (name: string, start: string, end: string, phases: MissionPhase[] = []): MissionPhase => ({
  name,
  description: '',
  start: `${start}Z`,
  end: `${end}Z`,
  phases,
  milestones: [],
});

const walk = phase('The walk', '1969-07-21T02:39:33', '1969-07-21T05:11:13');
const apollo: Mission = {
  id: 'apollo',
  ...phase('Apollo 11', '1969-07-16T13:32:00', '1969-07-24T16:50:35', [
    phase('Out', '1969-07-16T13:32:00', '1969-07-20T20:17:40'),
    phase('On the Moon', '1969-07-20T20:17:40', '1969-07-21T17:54:00', [walk]),
    phase('Back', '1969-07-21T17:54:00', '1969-07-24T16:50:35'),
  ]),
};

const names = (time: string) => pathTo(apollo, time).map(({ name }) => name);

test.each([
  ['1969-07-16T13:31:59Z', []],
  ['1969-07-16T13:32:00Z', ['Out']],
  ['1969-07-20T20:17:40Z', ['On the Moon']],
  ['1969-07-21T03:00:00Z', ['On the Moon', 'The walk']],
  ['1969-07-24T16:50:35Z', []],
  ['soon', []],
])('at %s the mission is in %j', (time, path) => {
  expect(names(time)).toEqual(path);
});

test('of several missions the one that is on is shown, else the nearest', () => {
  const later: Mission = {
    ...apollo,
    id: 'later',
    start: '2000-01-01T00:00:00Z',
    end: '2001-01-01T00:00:00Z',
  };
  expect(nearest([later, apollo], '1969-07-18T00:00:00Z')?.id).toBe('apollo');
  expect(nearest([apollo, later], '1999-01-01T00:00:00Z')?.id).toBe('later');
  expect(nearest([], '1999-01-01T00:00:00Z')).toBeUndefined();
});

test('the phases fill the line, and the shortest is wide enough for a finger', () => {
  const short = [phase('a', '2000-01-01T00:00:00', '2000-01-01T00:00:01'), ...apollo.phases];
  const drawn = widths(short);
  expect(drawn.reduce((sum, width) => sum + width, 0)).toBeCloseTo(1);
  expect(Math.min(...drawn)).toBeGreaterThan(0.05);
  expect(widths([])).toEqual([]);
});

test('the present is marked within its phase', () => {
  const at = drawnAt(apollo.phases, '1969-07-20T20:17:40Z');
  expect(at).toBeCloseTo(widths(apollo.phases)[0] ?? 0);
  expect(drawnAt(apollo.phases, '2026-01-01T00:00:00Z')).toBeNull();
  expect(fraction(apollo, '2026-01-01T00:00:00Z')).toBeNull();
});

test('milestones of the whole and of its phases come in order, each once', () => {
  const milestone = (name: string, time: string) => ({ name, description: '', time });
  const step = milestone('Step', '1969-07-21T02:56:15Z');
  const whole = {
    ...apollo,
    milestones: [step, milestone('Lift-off', '1969-07-16T13:32:00Z')],
    phases: [{ ...walk, milestones: [step] }],
  };
  expect(milestonesOf(whole).map(({ name }) => name)).toEqual(['Lift-off', 'Step']);
});

test('each milestone is told with the phase that it falls into', () => {
  const milestone = (name: string, time: string) => ({ name, description: '', time });
  const whole = {
    ...apollo,
    milestones: [
      milestone('Rehearsal', '1969-07-01T00:00:00Z'),
      milestone('Lift-off', '1969-07-16T13:32:00Z'),
      milestone('Landing', '1969-07-20T20:17:40Z'),
      milestone('Splashdown', '1969-07-24T16:50:35Z'),
    ],
  };
  const told = outline(whole).map(({ phase, milestones }) => [
    phase.name,
    ...milestones.map(({ name }) => name),
  ]);
  expect(told).toEqual([
    ['Out', 'Rehearsal', 'Lift-off'],
    ['On the Moon', 'Landing'],
    ['Back', 'Splashdown'],
  ]);
  expect(outline(walk).map(({ phase }) => phase.name)).toEqual(['The walk']);
});

test('its times are said in words', () => {
  expect(rangeWords(apollo).replace(/\s/g, ' ')).toMatch(/^16 ?– ?24 Jul 1969$/);
  expect(whenWords('1969-07-20T20:17:40.000Z')).toBe('20 Jul, 20:17');
  expect(whenWords('soon')).toBe('');
});

test('what is no mission is not taken for one', () => {
  expect(isMission(apollo)).toBe(true);
  for (const garbage of [null, 1, {}, { ...apollo, phases: [{}] }, { ...apollo, milestones: null }])
    expect(isMission(garbage)).toBe(false);
});

import { expect, test } from 'vitest';

import { initial, type State } from './machine';
import {
  clockWords,
  fieldsOf,
  changingObstacle,
  ranked,
  rateWords,
  readDate,
  shifted,
  showingObstacle,
  steeringObstacle,
} from './sceneWords';

test.each([
  [1, 'real time'],
  [-1, 'real time, backwards'],
  [0, 'standing still'],
  [5, '5 seconds per second'],
  [0.5, '0.5 seconds per second'],
  [60, '1 minute per second'],
  [1_800, '30 minutes per second'],
  [5_400, '1.5 hours per second'],
  [86_400, '1 day per second'],
  [-86_400, '1 day per second, backwards'],
  [432_000, '5 days per second'],
  [2_592_000, '1 month per second'],
  [31_536_000, '1 year per second'],
  [31_556_952, '1 year per second'],
  [3.1556952e10, '1,000 years per second'],
  [Number.NaN, 'at an unknown rate'],
])('%d simulated seconds in one are “%s”', (rate, words) => {
  expect(rateWords(rate)).toBe(words);
});

test.each([
  ['1969-07-20T20:17:40.000Z', '20 Jul 1969', '20:17:40'],
  ['2026-11-23T18:40:05.250', '23 Nov 2026', '18:40:05'],
  ['-000043-03-15T11:00:00.000Z', '15 Mar 44 BC', '11:00:00'],
  ['+012026-01-01T00:00:00.000Z', '1 Jan 12026', '00:00:00'],
])('%s is read as %s, %s', (time, day, clock) => {
  const words = clockWords(time);
  expect(words.day.replace('BCE', 'BC')).toBe(day);
  expect(words.clock).toBe(clock);
});

test('what is no time is shown as it came', () => {
  expect(clockWords('soon')).toEqual({ day: 'soon', clock: '' });
});

test.each([
  ['1969-07-20', '20:17', '1969-07-20T20:17:00.000Z'],
  ['1969-07-20', '20:17:40', '1969-07-20T20:17:40.000Z'],
  [' 2024-02-29 ', '', '2024-02-29T00:00:00.000Z'],
  ['0066-01-25', '', '0066-01-25T00:00:00.000Z'],
])('the day %j at %j is %s', (day, clock, time) => {
  expect(readDate(day, clock)).toEqual({ time });
});

test.each([
  ['', '', 'Give a day, such as 1969-07-20.'],
  ['20.7.1969', '', 'Give a day, such as 1969-07-20.'],
  ['1969-07-20', 'noon', 'Give the time as hours and minutes, such as 20:17.'],
  ['2023-02-29', '', 'There is no 2023-02-29.'],
  ['2023-13-01', '12:00', 'There is no 2023-13-01 12:00.'],
  ['2023-12-01', '24:01', 'There is no 2023-12-01 24:01.'],
])('the day %j at %j is refused: %s', (day, clock, problem) => {
  expect(readDate(day, clock)).toEqual({ problem });
});

test('the fields of a jump begin with the scene, and lead back to it', () => {
  const fields = fieldsOf('1969-07-20T20:17:40.000Z');
  expect(fields).toEqual({ day: '1969-07-20', clock: '20:17' });
  expect(readDate(fields.day, fields.clock)).toEqual({ time: '1969-07-20T20:17:00.000Z' });
  expect(fieldsOf('-000043-03-15T11:00:00.000Z')).toEqual({ day: '', clock: '' });
});

test.each([
  ['2024-01-31T12:00:00.000Z', 'month', 1, '2024-02-29T12:00:00.000Z'],
  ['2024-02-29T12:00:00.000Z', 'year', 1, '2025-02-28T12:00:00.000Z'],
  ['2024-03-31T12:00:00.000Z', 'month', -1, '2024-02-29T12:00:00.000Z'],
  ['2024-12-31T23:59:59.000Z', 'day', 1, '2025-01-01T23:59:59.000Z'],
  ['2024-01-15T00:00:00.000Z', 'month', -1, '2023-12-15T00:00:00.000Z'],
] as const)('%s, one %s by %d, is %s', (time, span, by, result) => {
  expect(shifted(time, span, by)).toBe(result);
});

test('the end of the calendar is no date', () => {
  expect(shifted('+275760-09-13T00:00:00.000Z', 'year', 1)).toBeNull();
  expect(shifted('soon', 'day', 1)).toBeNull();
});

test('a search finds the thing itself before what is named after it', () => {
  const node = (id: string, interesting = false, name = id) => ({ id, name, interesting });
  const nodes = [
    node('MarsTrail'),
    node('Phobos'),
    node('Mars', true),
    node('x', true, 'Marsupial'),
    node('OnMars'),
  ];
  expect(ranked(nodes, 'mars').map(({ id }) => id)).toEqual(['Mars', 'x', 'MarsTrail', 'OnMars']);
  expect(ranked(nodes, '').map(({ id }) => id)).toEqual(['Mars', 'x', 'MarsTrail', 'Phobos', 'OnMars']);
  expect(ranked(nodes, 'nowhere')).toEqual([]);
});

const live: State = {
  ...initial(false),
  link: 'up',
  welcomed: true,
  media: 'connected',
  picture: true,
  viewerId: 'me',
  role: 'pilot',
  holder: 'me',
  instance: {
    instance_id: 'i',
    state: 'ready',
    phase: null,
    detail: null,
    progress: null,
    attempt: 1,
    message: null,
    build_name: 'OpenSpace',
    demo: false,
    rescue: null,
    has_scene: true,
  },
};

test('who steers may change time and place, and so may whoever can take a free wheel', () => {
  expect(steeringObstacle(live)).toBeNull();
  expect(steeringObstacle({ ...live, holder: null })).toBeNull();
});

test('everybody else reads why not', () => {
  expect(steeringObstacle({ ...live, holder: 'other' })).toMatch(/^Another viewer steers/);
  expect(steeringObstacle({ ...live, holder: null, role: 'watcher' })).toMatch(/^You are watching/);
  expect(steeringObstacle({ ...live, media: 'shaky' })).toBe('The picture is not there yet.');
});

test('what the scene shows is changed by role, whoever steers', () => {
  expect(changingObstacle({ ...live, role: 'presenter', holder: 'other' })).toBeNull();
  expect(changingObstacle(live)).toBe('To do these takes the role of presenter.');
  expect(showingObstacle({ ...live, role: 'presenter', holder: 'other' })).toBeNull();
  expect(showingObstacle(live)).toMatch(/^You see what is shown\./);
});

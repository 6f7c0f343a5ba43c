import { describe, expect, test } from 'vitest';

import { has, released, touched, velocitiesOf, type Hold, type Touch } from './gestures';
import { isRest, REST } from './velocities';

const HEIGHT = 600;
/** A full velocity of one finger: a third of the picture. */
const FULL = 200;

type Stroke = [type: Touch['type'], id: number, x: number, y: number];

function after(strokes: Stroke[], hold: Hold = released): Hold {
  return strokes.reduce(
    (hold, [type, id, x, y]) => touched(hold, { type, id, at: { x, y }, now: 0 }).hold,
    hold,
  );
}

const velocities = (strokes: Stroke[]) => velocitiesOf(after(strokes), HEIGHT);

const two: Stroke[] = [
  ['down', 1, 200, 300],
  ['down', 2, 400, 300],
];

describe('one finger', () => {
  test.each([
    ['right', FULL, 0, [1, 0]],
    ['down', 0, FULL, [0, 1]],
    ['left and up', -FULL, -FULL, [-Math.SQRT1_2, -Math.SQRT1_2]],
    ['beyond its reach', 5 * FULL, 0, [1, 0]],
    ['hardly', 5, 5, [0, 0]],
  ])('turns %s, as far as it is from where it came down', (_, dx, dy, orbit) => {
    const { orbit: turned, ...others } = velocities([
      ['down', 1, 300, 300],
      ['move', 1, 300 + dx, 300 + dy],
    ]);
    expect(turned[0]).toBeCloseTo(orbit[0] ?? 0);
    expect(turned[1]).toBeCloseTo(orbit[1] ?? 0);
    expect({ orbit: [0, 0], ...others }).toEqual(REST);
  });

  test('needs a longer way in a larger window', () => {
    const hold = after([
      ['down', 1, 0, 0],
      ['move', 1, 60, 0],
    ]);
    const [small, large] = [velocitiesOf(hold, 300).orbit[0], velocitiesOf(hold, 1200).orbit[0]];
    expect(small).toBeGreaterThan(2 * large);
    expect(velocitiesOf(hold, 0)).toEqual(REST);
  });

  test('that comes back to where it was rests', () => {
    const strokes: Stroke[] = [
      ['down', 1, 300, 300],
      ['move', 1, 500, 300],
      ['move', 1, 301, 300],
    ];
    expect(isRest(velocities(strokes))).toBe(true);
  });
});

describe('two fingers', () => {
  test.each<[string, Stroke[], Partial<Record<'zoom' | 'roll', number>>]>([
    [
      'apart go closer',
      [
        ['move', 1, 140, 300],
        ['move', 2, 460, 300],
      ],
      { zoom: 1 },
    ],
    [
      'together go back',
      [
        ['move', 1, 260, 300],
        ['move', 2, 340, 300],
      ],
      { zoom: -1 },
    ],
    ['by one of them go closer, too', [['move', 2, 540, 300]], { zoom: 1 }],
    [
      'around each other roll',
      [
        ['move', 1, 300, 200],
        ['move', 2, 300, 400],
      ],
      { roll: 1 },
    ],
    ['around the one that rests roll the other way', [['move', 2, 200, 100]], { roll: -1 }],
  ])('%s', (_, moves, expected) => {
    const { zoom, roll, ...others } = velocities([...two, ...moves]);
    expect(zoom).toBeCloseTo(expected.zoom ?? 0);
    expect(roll).toBeCloseTo(expected.roll ?? 0);
    expect({ ...others, zoom: 0, roll: 0 }).toEqual(REST);
  });

  test('that move alike look around, also when one is told before the other', () => {
    const first = after([...two, ['move', 1, 215, 315]]);
    expect(velocitiesOf(first, HEIGHT)).toEqual(REST);
    const both = after([['move', 2, 415, 315]], first);
    const { pan, ...others } = velocitiesOf(both, HEIGHT);
    expect(pan[0]).toBeGreaterThan(0);
    expect(pan[0]).toBeCloseTo(pan[1]);
    expect({ ...others, pan: [0, 0] }).toEqual(REST);
    const apart = velocitiesOf(after([['move', 2, 600, 315]], both), HEIGHT);
    expect(apart.zoom).toBe(0);
  });

  test('that become one begin anew, so that nothing jumps', () => {
    const one = after([...two, ['move', 1, 100, 300], ['move', 2, 500, 300], ['up', 2, 500, 300]]);
    expect(velocitiesOf(one, HEIGHT)).toEqual(REST);
    expect(velocitiesOf(after([['move', 1, 300, 300]], one), HEIGHT).orbit[0]).toBeCloseTo(1);
  });
});

test('three fingers look around, four do nothing', () => {
  const three: Stroke[] = [...two, ['down', 3, 300, 400]];
  const moved: Stroke[] = [1, 2, 3].map((id) => [
    'move',
    id,
    [0, 200, 400, 300][id] ?? 0,
    id === 3 ? 600 : 500,
  ]);
  expect(velocities([...three, ...moved]).pan).toEqual([0, 1]);
  expect(velocities([...three, ['down', 4, 0, 0], ['move', 4, 300, 300]])).toEqual(REST);
});

describe('a tap', () => {
  const lifted = (strokes: [Touch['type'], number, number, number, number][]) =>
    strokes.reduce(
      ({ hold, taps }, [type, id, x, y, now]) => {
        const next = touched(hold, { type, id, at: { x, y }, now });
        return { hold: next.hold, taps: taps + Number(next.tapped) };
      },
      { hold: released, taps: 0 },
    ).taps;

  test('is a short touch of one finger in one place', () => {
    expect(
      lifted([
        ['down', 1, 10, 10, 0],
        ['move', 1, 13, 12, 50],
        ['up', 1, 13, 12, 120],
      ]),
    ).toBe(1);
  });

  test.each<[string, [Touch['type'], number, number, number, number][]]>([
    [
      'a long one',
      [
        ['down', 1, 10, 10, 0],
        ['up', 1, 10, 10, 400],
      ],
    ],
    [
      'a drag',
      [
        ['down', 1, 10, 10, 0],
        ['move', 1, 40, 10, 50],
        ['move', 1, 10, 10, 90],
        ['up', 1, 10, 10, 99],
      ],
    ],
    [
      'two fingers',
      [
        ['down', 1, 10, 10, 0],
        ['down', 2, 90, 10, 5],
        ['up', 1, 10, 10, 60],
        ['up', 2, 90, 10, 70],
      ],
    ],
    ['a finger that never came down', [['up', 7, 10, 10, 0]]],
  ])('is not %s', (_, strokes) => {
    expect(lifted(strokes)).toBe(0);
  });
});

test('whatever fingers do, velocities are in their range, and no finger is rest', () => {
  const next = random(7);
  for (let round = 0; round < 60; round += 1) {
    let hold = released;
    for (let step = 0; step < 40; step += 1) {
      const type = (['down', 'move', 'move', 'up'] as const)[Math.floor(next() * 4)] ?? 'move';
      const id = Math.floor(next() * 5);
      const at = { x: next() * 4000 - 1000, y: next() < 0.1 ? 0 : next() * 3000 - 500 };
      hold = touched(hold, { type, id, at, now: step * 20 }).hold;
      const { orbit, zoom, roll, pan } = velocitiesOf(hold, next() * 2000);
      for (const value of [...orbit, zoom, roll, ...pan])
        expect(Math.abs(value)).toBeLessThanOrEqual(1 + 1e-9);
      expect(has(hold, id)).toBe(type === 'up' ? false : type === 'down' || has(hold, id));
    }
    for (const { id } of hold.fingers)
      hold = touched(hold, { type: 'up', id, at: { x: 0, y: 0 }, now: 0 }).hold;
    expect(velocitiesOf(hold, 600)).toEqual(REST);
  }
});

/** The same numbers at each run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

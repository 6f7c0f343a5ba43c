import { expect, test } from 'vitest';

import { reportOf, withMoment, type Moment } from './minute';
import { noMedia } from './stats';

test('a report is of the last minute, the oldest second first', () => {
  let minute: Moment[] = [];
  for (let second = 0; second < 200; second += 1) {
    minute = withMoment(minute, { atMs: second * 1_000, media: { ...noMedia, fps: second } });
  }
  const report = reportOf(minute, 'A browser', 199_500);
  expect(report.user_agent).toBe('A browser');
  expect(report.samples).toHaveLength(60);
  expect(report.samples[0]).toMatchObject({ ago_s: 59.5, fps: 140, width: null });
  expect(report.samples.at(-1)).toMatchObject({ ago_s: 0.5, fps: 199 });
});

test('a report of a stream that never came has nothing to tell', () => {
  expect(reportOf([], 'A browser', 0).samples).toEqual([]);
});

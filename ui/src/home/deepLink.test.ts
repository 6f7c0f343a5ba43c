import type { BuildView, ProfileView } from '@shared/protocol';
import { expect, test } from 'vitest';

import { judge, readLink } from './deepLink';

const build = (id: string, more: Partial<BuildView> = {}): BuildView => ({
  id,
  name: `Build ${id}`,
  kind: 'openspace',
  version: null,
  demo: false,
  default: false,
  ...more,
});
const profile = (id: string, problem: string | null = null): ProfileView => ({
  id,
  name: id,
  description: null,
  author: null,
  problem,
});

test('a whole link is read as it is meant', () => {
  const link = readLink('?build=openspace-0.22&profile=missions/apollo&focus=Mars&time=2031-05-17T20:30');
  expect(link).toEqual({
    build: 'openspace-0.22',
    profile: 'missions/apollo',
    arrival: { focus: 'Mars', time: '2031-05-17T20:30:00' },
    problems: [],
  });
  expect(readLink('').problems).toEqual([]);
  expect(readLink('?time=2031-05-17Z').arrival.time).toBe('2031-05-17T00:00:00');
});

test('each bad value gets a sentence and counts for nothing', () => {
  for (const [query, word] of [
    ['build=../x', 'not the name of a build'],
    ['profile=a%22b', 'not the name of a profile'],
    ['focus=%5D%5D%3Bos.exit()', 'not the name of anything'],
    ['time=tomorrow', 'is not a time'],
    ['time=2031-02-30', 'on no calendar'],
    ['time=2031-13-01', 'on no calendar'],
    [`focus=${'x'.repeat(5_000)}`, '…”'],
  ] as const) {
    const { problems, build, profile, arrival } = readLink(`?${query}`);
    expect(problems, query).toHaveLength(1);
    expect(problems[0]).toContain(word);
    expect([build, profile, arrival.focus, arrival.time]).toEqual([null, null, null, null]);
  }
});

test('what this machine does not have is said before anything is launched', () => {
  const builds = [build('os', { default: true }), build('stellarium', { kind: 'program' })];
  const profiles = [profile('default'), profile('torn', 'Its file is broken.')];
  const said = (query: string) => judge(readLink(query), builds, profiles).problems.join(' ');
  expect(said('')).toBe('');
  expect(said('?profile=default')).toBe('');
  expect(said('?build=none')).toContain('no build “none”');
  expect(said('?profile=mars')).toContain('no profile “mars”');
  expect(said('?profile=torn')).toContain('Its file is broken.');
  expect(said('?build=stellarium&profile=default')).toContain('has no profiles');
  expect(judge(readLink(''), [], []).problems[0]).toContain('an administrator has to add a build');
});

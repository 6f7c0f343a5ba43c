import { expect, test } from 'vitest';

import { fetchState, parseEnv, splitCommand } from './words';

test.each([
  ['/usr/bin/stellarium --full-screen no', ['/usr/bin/stellarium', '--full-screen', 'no']],
  [`sh -c 'echo "hi there"'`, ['sh', '-c', 'echo "hi there"']],
  [String.raw`a "b \"c\"" d\ e`, ['a', 'b "c"', 'd e']],
  [`--name="Big Dipper"`, ['--name=Big Dipper']],
  ['  ', []],
  [`''`, ['']],
])('%j is split like a shell would', (line, words) => {
  expect(splitCommand(line)).toEqual(words);
});

test('an environment is one NAME=value a line', () => {
  expect(parseEnv('A=1\n\n  B_2=x=y \n')).toEqual({ ok: true, env: { A: '1', B_2: 'x=y' } });
  expect(parseEnv('')).toEqual({ ok: true, env: {} });
});

test.each(['no value', '=x', '1A=2', 'A B=3'])('%j is refused with the line in question', (text) => {
  const parsed = parseEnv(text);
  expect(parsed.ok).toBe(false);
  expect(parsed.ok ? '' : parsed.problem).toContain(text);
});

test('a fetch says what it does, also before it has been told', () => {
  expect(fetchState({ step: 'waiting', message: null })).toBe('Waiting for its turn');
  expect(fetchState({ step: 'fetching', message: null })).toBe('Starting');
  expect(fetchState({ step: 'ending', message: null })).toBe('Ending');
  expect(fetchState({ step: 'fetching', message: 'downloading its data: 1 of 2 files so far' })).toBe(
    'Downloading its data: 1 of 2 files so far',
  );
});

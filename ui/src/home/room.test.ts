import type { InstanceView } from '@shared/protocol';
import { expect, test } from 'vitest';

import { machineOf, roomWords } from './room';

const server = (slots_free: number, slots_total: number) => ({
  server_id: 's',
  name: 'here',
  region: null,
  slots_total,
  slots_free,
  this_machine: true,
  draining: false,
});

test('places are counted over all machines', () => {
  expect(roomWords([server(1, 2), server(2, 2)])).toEqual({ words: '3 of 4 places free', full: false });
  expect(roomWords([server(1, 1)])?.words).toBe('1 of 1 place free');
  expect(roomWords([server(0, 2)])).toEqual({ words: 'All places taken', full: true });
  expect(roomWords([])).toBeNull();
});

test('a machine is named where there are several', () => {
  const instance = { server_id: 's' } as InstanceView;
  expect(machineOf(instance, [server(1, 1)])).toBeNull();
  expect(machineOf(instance, [server(1, 1), { ...server(1, 1), server_id: 't' }])).toBe('here');
});

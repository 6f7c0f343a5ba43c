import type { MachineView } from '@shared/protocol';
import { describe, expect, it } from 'vitest';

import { machineWords } from './machineWords';

const dome: MachineView = {
  server_id: 'd',
  name: 'Dome',
  version: '0.1.0',
  region: null,
  alive: true,
  slots_total: 4,
  slots_free: 1,
  founder: false,
  this_machine: false,
};

describe('a machine in words', () => {
  it('tells what it is and how much room it has', () => {
    expect(machineWords(dome)).toBe('1 of 4 places free');
    expect(machineWords({ ...dome, founder: true, this_machine: true, region: 'eu-north-1' })).toBe(
      'this machine · founder · eu-north-1 · 1 of 4 places free',
    );
  });

  it('says when it is lost', () => {
    expect(machineWords({ ...dome, alive: false })).toBe('does not answer');
  });
});

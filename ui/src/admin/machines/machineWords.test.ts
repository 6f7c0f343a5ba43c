import type { MachineView } from '@shared/protocol';
import { describe, expect, it } from 'vitest';

import { leavingWords, lostWords, machineWords } from './machineWords';

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

it('leaving says what a founder gives up', () => {
  expect(leavingWords('founder')).toContain('nobody can join it');
  expect(leavingWords('member')).not.toContain('founded');
});

it('what is lost says where it ran and what is known of it', () => {
  const lost = {
    instance_id: 'x',
    build_name: 'Demo',
    profile: 'mars',
    machine: 'Dome',
    rescue: 'resume' as const,
  };
  expect(lostWords(lost)).toBe('mars · on Dome');
  expect(lostWords({ ...lost, profile: null, rescue: 'anew' })).toBe('on Dome · what it showed is not known');
  expect(lostWords({ ...lost, rescue: null })).toBe('mars · on Dome · waits for it to come back');
});

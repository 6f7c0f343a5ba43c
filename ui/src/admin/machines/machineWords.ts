// How a machine of the fleet is, in one line. Pure.

import type { MachineView } from '@shared/protocol';

export function machineWords(machine: MachineView): string {
  const { alive, slots_free, slots_total, region, founder, this_machine } = machine;
  const state = alive ? `${slots_free} of ${slots_total} places free` : 'does not answer';
  const what = [this_machine && 'this machine', founder && 'founder', region];
  return [...what.filter((word) => word !== false && word !== null), state].join(' · ');
}

// How a machine of the fleet is, and what is lost with one, in one line. Pure.

import type { FleetRole, LostView, MachineView } from '@shared/protocol';

export function machineWords(machine: MachineView): string {
  const { alive, slots_free, slots_total, region, founder, this_machine } = machine;
  const state = alive ? `${slots_free} of ${slots_total} places free` : 'does not answer';
  const what = [this_machine && 'this machine', founder && 'founder', region];
  return [...what.filter((word) => word !== false && word !== null), state].join(' · ');
}

export function leavingWords(role: FleetRole): string {
  const back = 'What runs here runs on. It may join a fleet again with a join code.';
  return role === 'founder'
    ? `This machine has founded it: nobody can join it or be removed from it any more, and the others do not speak with this machine. ${back}`
    : `The others do not speak with this machine any more. ${back}`;
}

export function lostWords({ machine, profile, rescue }: LostView): string {
  const then =
    rescue === null ? 'waits for it to come back' : rescue === 'anew' ? 'what it showed is not known' : null;
  const what = [profile, `on ${machine}`, then];
  return what.filter((word) => word !== null).join(' · ');
}

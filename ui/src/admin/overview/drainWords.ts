// How far a machine that is being emptied has come, in words. Pure.

import { count, duration } from '@shared/format';
import { isLive } from '@shared/instanceWords';
import type { AdminInstance, DrainView } from '@shared/protocol';

export function running(instances: AdminInstance[]): number {
  return instances.filter(({ instance }) => isLive(instance.state) && !instance.standby && !instance.fetches)
    .length;
}

export function drainWords({ until }: DrainView, instances: AdminInstance[], nowMs: number): string {
  const left = running(instances);
  if (left === 0) return 'Nothing runs on it any more.';
  const run = `${count(left, 'instance')} still ${left === 1 ? 'runs' : 'run'}`;
  const one = left === 1 ? 'it' : 'they';
  if (until === null) return `${run}, until ${one} ${left === 1 ? 'ends' : 'end'}.`;
  const leftS = (until - nowMs) / 1_000;
  return leftS < 1
    ? `${run}, and ${left === 1 ? 'is' : 'are'} being ended.`
    : `${run}; in ${duration(leftS)} ${one} ${left === 1 ? 'is' : 'are'} ended.`;
}

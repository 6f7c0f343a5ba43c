// What a scene has much of, put into groups by name. Pure.

/** What belongs nowhere. */
export const ELSEWHERE = 'Other';

export type Group<T> = { name: string; members: T[] };

/** Groups and their members in the order in which they come. */
export function groupsOf<T>(all: readonly T[], nameOf: (one: T) => string): Group<T>[] {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const name = nameOf(one);
    const members = groups.get(name);
    if (members) members.push(one);
    else groups.set(name, [one]);
  }
  return [...groups].map(([name, members]) => ({ name, members }));
}

/** By name; what belongs nowhere comes last. */
export function byName(a: { name: string }, b: { name: string }): number {
  return Number(a.name === ELSEWHERE) - Number(b.name === ELSEWHERE) || a.name.localeCompare(b.name);
}

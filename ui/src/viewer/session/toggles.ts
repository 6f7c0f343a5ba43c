// What can be shown and hidden: read, grouped, and what was wished of it until the scene says so. Pure.

import type { SceneToggle } from '@shared/protocol';

export type ToggleGroup = { name: string; toggles: SceneToggle[]; shown: number };

/** What has no place in OpenSpace's menus. */
const ELSEWHERE = 'Other';

/** By the outermost of OpenSpace's own groups, in its order; with a search, what has all its words somewhere. */
export function grouped(toggles: SceneToggle[], search: string): ToggleGroup[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, SceneToggle[]>();
  for (const toggle of toggles) {
    const text = [toggle.name, ...toggle.group].join(' ').toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    const name = toggle.group[0] ?? ELSEWHERE;
    groups.set(name, [...(groups.get(name) ?? []), toggle]);
  }
  return [...groups]
    .map(([name, members]) => ({ name, toggles: members, shown: members.filter((one) => one.shown).length }))
    .sort(
      (a, b) => Number(a.name === ELSEWHERE) - Number(b.name === ELSEWHERE) || a.name.localeCompare(b.name),
    );
}

/** Where in its group it is: "Planets › Earth". */
export function within(toggle: SceneToggle): string {
  return toggle.group.slice(1).join(' › ');
}

/** What was wished and is not told yet, by node. */
export type Wished = ReadonlyMap<string, boolean>;

/** Less what the scene says now: it came true. */
export function fulfilled(wished: Wished, toggles: SceneToggle[]): Wished {
  if (wished.size === 0) return wished;
  const now = new Map(toggles.map(({ id, shown }) => [id, shown]));
  const left = [...wished].filter(([id, shown]) => now.get(id) === !shown);
  return left.length === wished.size ? wished : new Map(left);
}

export function isToggle(value: unknown): value is SceneToggle {
  const toggle = value as Partial<Record<keyof SceneToggle, unknown>> | null;
  return (
    typeof toggle === 'object' &&
    typeof toggle?.id === 'string' &&
    typeof toggle.name === 'string' &&
    typeof toggle.shown === 'boolean' &&
    Array.isArray(toggle.group)
  );
}

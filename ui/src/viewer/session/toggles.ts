// What can be shown and hidden: read, grouped, and what was wished of it until the scene says so. Pure.

import type { SceneToggle } from '@shared/protocol';
import { searchFor } from '@shared/search';

import { byName, ELSEWHERE, groupsOf } from './groups';

export type ToggleGroup = { name: string; toggles: SceneToggle[]; shown: number };

/** By the outermost of OpenSpace's own groups, in its order; with a search, what has all its words somewhere. */
export function grouped(toggles: SceneToggle[], search: string): ToggleGroup[] {
  const found = searchFor(search);
  const all = toggles.filter((toggle) => found([toggle.name, ...toggle.group].join(' ')));
  return groupsOf(all, (toggle) => toggle.group[0] ?? ELSEWHERE)
    .map(({ name, members }) => ({
      name,
      toggles: members,
      shown: members.filter((one) => one.shown).length,
    }))
    .sort(byName);
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

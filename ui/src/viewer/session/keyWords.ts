// OpenSpace's names of keys as they are printed on keyboards, and its actions by group. Pure.

import { sentence } from '@shared/format';
import type { SceneAction } from '@shared/protocol';
import { searchFor } from '@shared/search';

import { byName, ELSEWHERE, groupsOf } from './groups';

const printed: Record<string, string> = {
  SPACE: 'Space',
  ENTER: 'Enter',
  TAB: 'Tab',
  BACKSPACE: 'Backspace',
  INSERT: 'Insert',
  DELETE: 'Delete',
  HOME: 'Home',
  END: 'End',
  LEFT: '←',
  RIGHT: '→',
  UP: '↑',
  DOWN: '↓',
  PAGE_UP: 'Page up',
  PAGE_DOWN: 'Page down',
  COMMA: ',',
  PERIOD: '.',
  SLASH: '/',
  BACKSLASH: '\\',
  MINUS: '-',
  EQUAL: '=',
  SEMICOLON: ';',
  APOSTROPHE: "'",
  LEFT_BRACKET: '[',
  RIGHT_BRACKET: ']',
  KP_ADD: 'Num +',
  KP_SUBTRACT: 'Num -',
  KP_MULTIPLY: 'Num *',
  KP_DIVIDE: 'Num /',
  KP_DECIMAL: 'Num .',
  KP_ENTER: 'Num Enter',
  KP_EQUAL: 'Num =',
  SUPER: 'Super',
};

/** "Ctrl+PAGE_UP" → ["Ctrl", "Page up"] */
export function capsOf(binding: string): string[] {
  return binding.split('+').filter(Boolean).map(cap);
}

function cap(name: string): string {
  const known = printed[name.toUpperCase()];
  if (known) return known;
  const number = /^(?:KP_?)(\d)$/i.exec(name)?.[1];
  if (number !== undefined) return `Num ${number}`;
  if (name.length <= 3) return name;
  // LEFT_SHIFT
  const words = name.toLowerCase().replaceAll('_', ' ');
  return sentence(words);
}

export type ActionGroup = { name: string; actions: SceneAction[] };

/** By OpenSpace's own groups; with a search, what has all its words in its name, description, group or keys. */
export function actionGroups(actions: SceneAction[], search: string): ActionGroup[] {
  const found = searchFor(search);
  const text = (action: SceneAction) => {
    const caps = action.keys.flatMap((key) => [key, capsOf(key).join(' ')]);
    return [action.name, action.description, ...action.group, ...caps].join(' ');
  };
  const shown = actions.filter((action) => found(text(action)));
  return groupsOf(shown, (action) => action.group.join(' › ') || ELSEWHERE)
    .map(({ name, members }) => ({ name, actions: members.sort((a, b) => a.name.localeCompare(b.name)) }))
    .sort(byName);
}

export function isAction(value: unknown): value is SceneAction {
  const action = value as Partial<Record<keyof SceneAction, unknown>> | null;
  return (
    typeof action === 'object' &&
    typeof action?.id === 'string' &&
    typeof action.name === 'string' &&
    typeof action.description === 'string' &&
    Array.isArray(action.group) &&
    Array.isArray(action.keys)
  );
}

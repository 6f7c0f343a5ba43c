// An OpenSpace that does not answer as it should while its picture goes on: what that turns off. Pure.

import type { ScenePart, Trouble } from '@shared/protocol';

/** Stands where the controls are; what is the matter is said over the picture. */
const OFF = 'Off until OpenSpace answers again.';

/** Why this part of the controls cannot be used now; `null` when nothing is the matter with it. */
export function outage(trouble: Trouble | null, part: ScenePart): string | null {
  const takes = trouble?.off.some((off) => off === part || off === 'everything') ?? false;
  return takes ? OFF : null;
}

/** The same as before, so that what shows it is not drawn anew with each word of the scene. */
export function kept(before: Trouble | null, now: Trouble | null): Trouble | null {
  return JSON.stringify(before) === JSON.stringify(now) ? before : now;
}

/** Whatever else a trouble is, it says what it is. */
export function isTrouble(value: unknown): value is Trouble {
  const trouble = value as Partial<Record<keyof Trouble, unknown>> | null | undefined;
  return typeof trouble === 'object' && typeof trouble?.message === 'string' && Array.isArray(trouble.off);
}

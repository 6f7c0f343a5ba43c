// The audit log in words for people. Pure.

import { sentence } from '@shared/format';
import type { AuditEntry, AuditKind } from '@shared/protocol';

export const kinds: { value: AuditKind; label: string }[] = [
  { value: 'wish', label: 'Wishes for a scene' },
  { value: 'control', label: 'Who steers' },
  { value: 'instance', label: 'Launches, stops, invites' },
  { value: 'admin', label: 'Administration' },
  { value: 'script', label: 'Scripts' },
];

/** `fly_to` → "Fly to". */
export function reading(what: string): string {
  const words = what.replaceAll('_', ' ');
  return sentence(words);
}

/** "Presenter, session 3f9a2c41". */
export function actor({ who, role }: Pick<AuditEntry, 'who' | 'role'>): string {
  const words = role === null || role === who ? who : `${role}, ${who}`;
  return sentence(words);
}

/** The beginning of its id, as much as tells instances of one machine apart. */
export function instanceOf({ instance_id }: Pick<AuditEntry, 'instance_id'>): string {
  return instance_id?.slice(0, 8) ?? '';
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export function moment(at: number): string {
  return day.format(at);
}

// What an instance has kept for its viewers: read, and when that was. Pure.

import type { SavedFile } from '@shared/protocol';

export function isSaved(value: unknown): value is SavedFile {
  const file = value as Partial<Record<keyof SavedFile, unknown>> | null;
  return (
    typeof file === 'object' &&
    typeof file?.name === 'string' &&
    typeof file.bytes === 'number' &&
    typeof file.saved === 'number'
  );
}

/** "25 Nov, 22:41:07", where the viewer is or where `timeZone` says. */
export function savedWords(saved: number, timeZone?: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZone,
  }).format(saved);
}

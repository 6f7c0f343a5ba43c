// Where this page is, and the invite it was opened with.

import type { Memory } from '@shared/storage';

const STREAM = /^\/stream\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/?$/i;

/** The instance of `/stream/<uuid>`. */
export function instanceOf(pathname: string): string | null {
  return STREAM.exec(pathname)?.[1]?.toLowerCase() ?? null;
}

/** The secret of `#invite=…`; browsers send a fragment to no server. */
export function inviteOf(hash: string): string | null {
  return new URLSearchParams(hash.replace(/^#/, '')).get('invite');
}

/** The invite of the address, or the one that this tab was opened with before a reload. */
export function keptInvite(instance: string, hash: string, tab: Memory): string | null {
  const given = inviteOf(hash);
  if (given !== null) tab.set(keyOf(instance), given);
  return given ?? tab.get(keyOf(instance));
}

function keyOf(instance: string): string {
  return `invite ${instance}`;
}

export function signalUrl(page: { protocol: string; host: string }, instance: string): string {
  const scheme = page.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${scheme}//${page.host}/api/v1/instances/${instance}/signal`;
}

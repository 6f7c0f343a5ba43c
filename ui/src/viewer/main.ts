// First the session, then the interface: the socket is open before React is loaded.

import type { Wish } from '@shared/protocol';
import { ofThisTab } from '@shared/storage';

import { instanceOf, keptInvite } from './session/address';
import { arrive } from './session/arrival';
import { Session } from './session/session';
import type { StreamStats } from './session/stats';

declare global {
  interface Window {
    openspaceStream?: { stats: () => StreamStats; wish: (wish: Wish) => Promise<unknown> };
  }
}

function begin(instance: string): Session | null {
  const video = document.querySelector<HTMLVideoElement>('#stream');
  const stage = document.querySelector<HTMLElement>('#stage');
  if (!video || !stage) return null;
  const invite = keptInvite(instance, window.location.hash, ofThisTab);
  // An address that somebody copies or shows should not carry the secret.
  if (invite !== null) window.history.replaceState(null, '', window.location.pathname);
  const session = new Session({ instance, invite, video, stage });
  window.openspaceStream = { stats: session.stats, wish: session.wish };
  session.start();
  arrive(session);
  return session;
}

const instance = instanceOf(window.location.pathname);
if (instance === null) window.location.replace('/');
else {
  const session = begin(instance);
  if (session) void import('./stage/mount').then(({ mount }) => mount(session));
}

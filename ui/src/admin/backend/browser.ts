// A remote administrator's browser: the token is typed once and kept until the tab is closed.

import { ofThisTab } from '@shared/storage';

import type { Backend } from './backend';
import { httpBackend, type OpenWindow } from './http';

const KEY = 'admin_token';

export const keptToken = {
  get: () => ofThisTab.get(KEY),
  set: (token: string) => ofThisTab.set(KEY, token),
  forget: () => ofThisTab.remove(KEY),
};

const openTab: OpenWindow = () => {
  const tab = window.open('', '_blank');
  return {
    goTo: (url) => {
      if (!tab) throw new Error('The browser blocked the new tab: allow pop-ups for this page.');
      tab.opener = null;
      tab.location.replace(url);
    },
    giveUp: () => tab?.close(),
  };
};

export function browserBackend(token: string, onSignOut: () => void): Backend {
  return {
    ...httpBackend('browser', { baseUrl: window.location.origin, token }, openTab),
    signOut: () => {
      keptToken.forget();
      onSignOut();
    },
  };
}

// The desktop window: the program hands the address and the token over, and opens streams in the person's browser.

import { backoffMs } from '@shared/backoff';

import type { Backend } from './backend';
import { httpBackend } from './http';

export function inDesktopWindow(): boolean {
  return '__TAURI_INTERNALS__' in window;
}

/** The node may still be starting: asks until it answers. */
export async function desktopBackend(onWaiting: (sentence: string) => void): Promise<Backend> {
  const { invoke } = await import('@tauri-apps/api/core');
  for (let attempt = 0; ; attempt += 1) {
    try {
      const { base_url, token } = await invoke<{ base_url: string; token: string }>('connection');
      return httpBackend('desktop', { baseUrl: base_url, token }, () => ({
        goTo: (url) => invoke('open_url', { url }),
        giveUp: () => undefined,
      }));
    } catch (error) {
      onWaiting(typeof error === 'string' ? error : 'The node on this machine is not ready yet.');
      await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt)));
    }
  }
}

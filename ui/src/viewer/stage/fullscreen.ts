import { useSyncExternalStore } from 'react';

/** In full screen the browser lets the program have Escape too; holding it for a moment still leaves. */
type KeyboardLock = { lock?: (keys: string[]) => Promise<void>; unlock?: () => void };

export async function toggleFullscreen(): Promise<void> {
  const keyboard = (navigator as { keyboard?: KeyboardLock }).keyboard;
  try {
    if (document.fullscreenElement) {
      keyboard?.unlock?.();
      await document.exitFullscreen();
    } else {
      await document.documentElement.requestFullscreen({ navigationUI: 'hide' });
      await keyboard?.lock?.(['Escape']);
    }
  } catch {
    // Not allowed here (some phones, some frames): the stage already fills the page.
  }
}

export function useFullscreen(): boolean {
  return useSyncExternalStore(
    (changed) => {
      document.addEventListener('fullscreenchange', changed);
      return () => document.removeEventListener('fullscreenchange', changed);
    },
    () => document.fullscreenElement !== null,
  );
}

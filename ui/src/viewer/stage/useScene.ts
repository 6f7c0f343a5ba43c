import type { ToldScene, Trouble } from '@shared/protocol';
import { useSyncExternalStore } from 'react';

import type { Session } from '../session/session';

/** Drawn anew at each change of the scene, up to a few times a second. */
export function useScene(session: Session): ToldScene | null {
  return useSyncExternalStore(session.scene.subscribe, session.scene.get);
}

/** Is there a scene to steer? Changes only when it comes or goes. */
export function useHasScene(session: Session): boolean {
  return useSyncExternalStore(session.scene.subscribe, () => session.scene.get() !== null);
}

/** What is the matter with OpenSpace; changes only with it. */
export function useTrouble(session: Session): Trouble | null {
  return useSyncExternalStore(session.trouble.subscribe, session.trouble.get);
}

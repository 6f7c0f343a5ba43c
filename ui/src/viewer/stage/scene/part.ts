import type { ToldScene } from '@shared/protocol';

import type { Session } from '../../session/session';

/** What each part of the scene's bar is given. */
export type ScenePart = {
  session: Session;
  scene: ToldScene;
  /** The bar itself says why. */
  disabled: boolean;
};

export type Opening = { opened: boolean; onOpen: (open: boolean) => void };

/** After a wish the keyboard is the picture's again. */
export function toPicture(): void {
  document.getElementById('stage')?.focus({ preventScroll: true });
}

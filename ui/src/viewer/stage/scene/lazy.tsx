// The scene's controls come after the first picture, and only for programs that have a scene.

import { lazy, useEffect, type ComponentType } from 'react';

import type { Session } from '../../session/session';

type Part = { session: Session };

export const LazySceneBar = lazy(() => import('./SceneBar').then(({ SceneBar }) => part(SceneBar), missing));

export const LazyActions = lazy(() => import('./Actions').then(({ Actions }) => part(Actions), missing));

function part(component: ComponentType<Part>): { default: ComponentType<Part> } {
  return { default: component };
}

/** A part that cannot be fetched must not take the whole stage with it. */
function missing(): { default: ComponentType<Part> } {
  return part(Missing);
}

function Missing({ session }: Part) {
  useEffect(
    () => session.notice.emit('The controls of the scene could not be loaded. Reload the page.'),
    [session],
  );
  return null;
}

import { useEffect } from 'react';

import { isWayOut } from '../session/input';
import type { Session } from '../session/session';

const stage = () => document.getElementById('stage');

/** The keyboard begins in the picture; its shortcut leads from there to the bar and back. */
export function useStageFocus(session: Session, live: boolean): void {
  useEffect(() => {
    if (live && document.activeElement === document.body) stage()?.focus({ preventScroll: true });
  }, [live]);

  useEffect(
    () => session.wayOut.on(() => document.querySelector<HTMLElement>('[data-bar] a')?.focus()),
    [session],
  );

  useEffect(() => {
    const back = (event: KeyboardEvent) => {
      if (!isWayOut(event) || event.defaultPrevented) return;
      event.preventDefault();
      stage()?.focus({ preventScroll: true });
    };
    window.addEventListener('keydown', back);
    return () => window.removeEventListener('keydown', back);
  }, []);
}

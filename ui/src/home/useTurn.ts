import { inWords, Refused } from '@shared/http';
import type { InstanceId } from '@shared/protocol';
import { useCallback, useEffect, useRef, useState } from 'react';

import { chime } from './chime';
import type { HomeState, Live } from './live';
import { turnTitle } from './turn';

export type Turn = {
  /** The ticket that is being gone for. */
  claiming: string | null;
  failed: string | null;
  claim: (ticket: string) => Promise<void>;
};

/**
 * Comes for the place when it is one's turn: at once while the page is looked at, else as soon as it is. The tab's title and a chime
 * call whoever is elsewhere.
 */
export function useTurn(live: Live, state: HomeState, before?: (instance: InstanceId) => void): Turn {
  const [claiming, setClaiming] = useState<string | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const tried = useRef(new Set<string>());
  const title = turnTitle(state.queue);
  const held = state.queue.find((ticket) => ticket.state === 'held')?.ticket_id ?? null;

  const claim = useCallback(
    async (ticket: string) => {
      tried.current.add(ticket);
      setClaiming(ticket);
      setFailed(null);
      try {
        const launched = await live.claim(ticket);
        if ('url' in launched) {
          before?.(launched.instance_id);
          window.location.assign(launched.url);
          return;
        }
      } catch (error) {
        // Another tab of this browser was quicker: it has the place.
        if (!(error instanceof Refused && (error.status === 404 || error.status === 409))) {
          setFailed(inWords(error));
        }
      }
      setClaiming(null);
    },
    [live, before],
  );

  useEffect(() => {
    const usual = document.title;
    if (title !== null) document.title = `${title} · ${usual}`;
    return () => {
      document.title = usual;
    };
  }, [title]);

  useEffect(() => {
    if (held === null) return;
    chime();
    const come = () => {
      if (!document.hidden && !tried.current.has(held)) void claim(held);
    };
    come();
    document.addEventListener('visibilitychange', come);
    return () => document.removeEventListener('visibilitychange', come);
  }, [held, claim]);

  return { claiming, failed, claim };
}

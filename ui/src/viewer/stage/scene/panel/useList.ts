import { inWords } from '@shared/http';
import type { Wish } from '@shared/protocol';
import { useEffect, useRef, useState } from 'react';

import { readList } from '../../../session/lists';
import type { Session } from '../../../session/session';

export type List<T> = { list: T[] | null; problem: string | null };

/** Whatever makes a list old, at most so often it is asked for. */
const EVERY_MS = 500;

/** How no wish is written. */
const NOTHING = 'null';

/**
 * A list that the scene answers, for as long as it is shown; asked for again whenever `revision` is another, though not more
 * often than `everyMs`. Without a wish nothing is asked; while it is off, what was told last stands.
 */
export function useList<T>(
  session: Session,
  wish: Wish | null,
  isOne: (value: unknown) => value is T,
  revision: string | number,
  { everyMs = EVERY_MS, off = false }: { everyMs?: number; off?: boolean } = {},
): List<T> {
  const [told, setTold] = useState<List<T> & { of: string }>({ of: '', list: null, problem: null });
  const question = JSON.stringify(wish);
  const asked = useRef({ question: '', at: 0, order: 0, answered: 0 });

  useEffect(() => {
    if (question === NOTHING || off) return undefined;
    const state = asked.current;
    const again = state.question === question;
    const wait = again ? Math.max(0, state.at + everyMs - performance.now()) : 0;
    const timer = setTimeout(() => {
      state.order += 1;
      Object.assign(state, { question, at: performance.now() });
      const { order } = state;
      const tell = (list: T[] | null, problem: string | null) => {
        if (state.question !== question || order < state.answered) return;
        state.answered = order;
        setTold({ of: question, list, problem });
      };
      session.wish(JSON.parse(question) as Wish).then(
        (answer) => tell(readList(answer, isOne), null),
        (error: unknown) => tell(null, inWords(error)),
      );
    }, wait);
    return () => clearTimeout(timer);
  }, [session, question, isOne, revision, everyMs, off]);

  return told.of === question ? told : { list: null, problem: null };
}

import { inWords } from '@shared/http';
import type { SceneToggle, Wish } from '@shared/protocol';
import { useState } from 'react';

import type { Session } from '../../../session/session';
import { fulfilled, isToggle, type Wished } from '../../../session/toggles';
import { useList, type List } from './useList';

/** How long something comes and goes. */
const FADE_S = 1;
/** So long after its answer a wish is taken for lost: then the scene's own word stands again. */
const TOLD_WITHIN_MS = 4_000;

export type Toggles = List<SceneToggle> & {
  wished: Wished;
  turn: (toggle: SceneToggle, on: boolean) => void;
};

/** What can be shown and hidden, whoever does it, and what this viewer has just wished of it. Nothing without a search, be it an empty one. */
export function useToggles(session: Session, search: string | null, changes: number, off: boolean): Toggles {
  const wish = search === null ? null : listing(search);
  const told = useList(session, wish, isToggle, changes, { off });
  const [wished, setWished] = useState<Wished>(new Map<string, boolean>());
  const open = told.list === null ? wished : fulfilled(wished, told.list);
  if (open !== wished) setWished(open);

  const forget = (id: string) =>
    setWished((before) => new Map([...before].filter(([other]) => other !== id)));
  const turn = ({ id, fades }: SceneToggle, on: boolean) => {
    setWished((before) => new Map(before).set(id, on));
    const wish = fades
      ? session.wish({ name: 'fade', args: { node: id, visible: on, seconds: FADE_S } })
      : session.wish({ name: 'show', args: { node: id, visible: on } });
    wish.then(
      () => setTimeout(() => forget(id), TOLD_WITHIN_MS),
      (error: unknown) => {
        forget(id);
        session.notice.emit(inWords(error));
      },
    );
  };
  return { ...told, wished: open, turn };
}

function listing(search: string): Wish {
  return { name: 'list_toggles', args: search === '' ? {} : { search } };
}

import { useEffect, useEffectEvent } from 'react';

import classes from './Toast.module.css';

/** As long as it takes to notice a sentence and to read it slowly. */
const SHOWN_MS = 6_000;
const SHOWN_MS_A_LETTER = 80;

/** One sentence that goes away by itself. */
export function Toast({ text, onOver }: { text: string | null; onOver: () => void }) {
  const over = useEffectEvent(onOver);
  useEffect(() => {
    if (text === null) return undefined;
    const timer = setTimeout(() => over(), Math.max(SHOWN_MS, text.length * SHOWN_MS_A_LETTER));
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div role="alert" className={classes.place}>
      {text !== null && <p className={classes.toast}>{text}</p>}
    </div>
  );
}

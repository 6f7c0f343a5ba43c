import { useEffect, useEffectEvent } from 'react';

import classes from './Toast.module.css';

const SHOWN_MS = 6_000;

/** One sentence that goes away by itself. */
export function Toast({ text, onOver }: { text: string | null; onOver: () => void }) {
  const over = useEffectEvent(onOver);
  useEffect(() => {
    if (text === null) return undefined;
    const timer = setTimeout(() => over(), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div role="alert" className={classes.place}>
      {text !== null && <p className={classes.toast}>{text}</p>}
    </div>
  );
}

import { useEffect } from 'react';

import classes from './Toast.module.css';

const SHOWN_MS = 6_000;

/** One sentence that goes away by itself. */
export function Toast({ text, onOver }: { text: string | null; onOver: () => void }) {
  useEffect(() => {
    if (text === null) return undefined;
    const timer = setTimeout(onOver, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [text, onOver]);
  return (
    <div role="alert" className={classes.place}>
      {text !== null && <p className={classes.toast}>{text}</p>}
    </div>
  );
}

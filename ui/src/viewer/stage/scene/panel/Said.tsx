import type { ReactNode } from 'react';

import classes from './panel.module.css';

/** A quiet sentence: why something cannot be, or that there is nothing. */
export function Said({ children, id }: { children: ReactNode; id?: string }) {
  return (
    <p className={classes.said} role="status" id={id}>
      {children}
    </p>
  );
}

import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';

import classes from './Note.module.css';

type NoteProps = { tone: 'info' | 'warn' | 'bad'; children: ReactNode; action?: ReactNode };

/** A sentence that somebody should read, with at most one thing to do about it. */
export function Note({ tone, children, action }: NoteProps) {
  const Icon = tone === 'info' ? IconInfoCircle : IconAlertTriangle;
  return (
    <div className={classes.note} data-tone={tone} role={tone === 'info' ? 'status' : 'alert'}>
      <Icon size={20} stroke={1.6} className={classes.icon} aria-hidden="true" />
      <div className={classes.words}>{children}</div>
      {action}
    </div>
  );
}

import { IconPlugConnectedX } from '@tabler/icons-react';

import type { Session } from '../session/session';
import classes from './TroubleNotice.module.css';
import { useTrouble } from './useScene';

/** Says what is the matter with OpenSpace for as long as it lasts; the picture beneath it goes on. */
export function TroubleNotice({ session }: { session: Session }) {
  const trouble = useTrouble(session);
  return (
    <div role="status" className={classes.place}>
      {trouble !== null && (
        <p className={classes.notice} data-trouble={trouble.off.join(' ')}>
          <IconPlugConnectedX size={21} stroke={1.6} className={classes.icon} aria-hidden="true" />
          <span>{trouble.message}</span>
        </p>
      )}
    </div>
  );
}

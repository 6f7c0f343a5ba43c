import { useEffect, useState } from 'react';

import type { Session } from '../../../session/session';
import classes from './Capture.module.css';

/** The picture that was just taken: a flash, and what became of it. */
export function Taken({ session, name }: { session: Session; name: string }) {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    let made: string | null = null;
    let wanted = true;
    session.kept('screenshots', name).then(
      (content) => {
        if (!wanted) return;
        made = URL.createObjectURL(content);
        setUrl(made);
      },
      () => {
        // The list below has it all the same, and says what is wrong when it is asked for.
      },
    );
    return () => {
      wanted = false;
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [session, name]);
  return (
    <figure className={classes.taken} role="status">
      <span className={classes.flash} aria-hidden="true" />
      {url !== null && <img src={url} alt="The picture that was just taken" />}
      <figcaption>Picture taken</figcaption>
    </figure>
  );
}

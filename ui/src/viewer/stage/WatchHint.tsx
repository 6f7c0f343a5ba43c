import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';

import { inControl, mayTake, type State } from '../session/machine';
import type { Session } from '../session/session';
import classes from './WatchHint.module.css';

const SHOWN_MS = 7_000;

/** Tells somebody who does not steer how to; a press on the picture takes free control or brings the hint back. */
export function WatchHint({ session, state }: { session: Session; state: State }) {
  const [pressedAt, setPressedAt] = useState(0);
  const [over, setOver] = useState(false);
  const steering = inControl(state);
  const mayJustTake = mayTake(state);

  useEffect(() => session.idlePress.on(() => setPressedAt(Date.now())), [session]);
  useEffect(() => {
    const timer = setTimeout(() => setOver(true), SHOWN_MS);
    return () => {
      clearTimeout(timer);
      setOver(false);
    };
  }, [pressedAt, steering, mayJustTake]);

  if (steering || (over && !mayJustTake)) return null;
  return (
    <div className={classes.hint} role="status">
      {mayJustTake ? `${press()} the picture to steer.` : 'You are watching.'}
      {!mayJustTake && (
        <Button size="compact-sm" radius="xl" color="lamp.4" onClick={() => session.control('request')}>
          Ask for control
        </Button>
      )}
    </div>
  );
}

function press(): string {
  return window.matchMedia('(hover: none)').matches ? 'Touch' : 'Click';
}

import { useEffect, useState } from 'react';

import { beganAt, timerWords } from '../../session/recorder';
import type { Session } from '../../session/session';
import { useScene } from '../useScene';
import classes from './RecordingSign.module.css';
import type { ScenePart } from './part';

/** Everybody who watches sees that it is recorded, and for how long. */
export function RecordingSign({ session }: { session: Session }) {
  const scene = useScene(session);
  return scene?.recorder === 'recording' ? <Sign key={scene.recorder_since} scene={scene} /> : null;
}

function Sign({ scene }: Pick<ScenePart, 'scene'>) {
  const [began] = useState(() => beganAt(scene, Date.now()));
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  return (
    <p className={classes.sign} role="status" aria-label="A recording is under way" data-recording>
      <span className={classes.dot} aria-hidden="true" />
      <span>Recording</span>
      {began !== null && <span className={classes.timer}>{timerWords(now - began)}</span>}
    </p>
  );
}

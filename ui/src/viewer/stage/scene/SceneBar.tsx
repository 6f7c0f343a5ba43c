import { Button } from '@mantine/core';
import { IconTelescope } from '@tabler/icons-react';
import { useCallback, useState, type MouseEvent } from 'react';

import { steeringObstacle } from '../../session/sceneWords';
import type { Session } from '../../session/session';
import { outage } from '../../session/trouble';
import { useBarShown } from '../useBarShown';
import { useScene, useTrouble } from '../useScene';
import { useSession } from '../useSession';
import { Clock } from './Clock';
import { Focus } from './Focus';
import { ScenePanel } from './panel/ScenePanel';
import { RecordingSign } from './RecordingSign';
import classes from './SceneBar.module.css';
import { Transport } from './Transport';
import { useNearBottom } from './useNearBottom';

const REASON = 'scene-reason';

/** Time and place of the scene, for whoever steers; everybody else reads them. Beside them, what else there is to do. */
export function SceneBar({ session }: { session: Session }) {
  const { state } = useSession(session);
  const scene = useScene(session);
  const trouble = useTrouble(session);
  const [open, setOpen] = useState<'clock' | 'focus' | null>(null);
  const [exploring, setExploring] = useState(false);
  const bar = useBarShown(open !== null || exploring);
  useNearBottom(bar.show);
  const opens = useCallback(
    (name: 'clock' | 'focus') => (wanted: boolean) => setOpen(wanted ? name : null),
    [],
  );
  if (!scene) return null;
  const reason = outage(trouble, 'everything') ?? steeringObstacle(state);
  const part = { session, scene, disabled: reason !== null };
  const lost = outage(trouble, 'contents') !== null;
  return (
    <>
      <RecordingSign session={session} />
      {exploring && <ScenePanel session={session} scene={scene} onClose={() => setExploring(false)} />}
      <button className={classes.handle} onClick={bar.show} aria-label="Show time and place" />
      <section
        className={classes.bar}
        aria-label="Time and place"
        aria-describedby={reason === null ? undefined : REASON}
        data-scene-bar
        data-shown={bar.shown}
        data-paused={scene.paused}
        onPointerMove={bar.show}
        onPointerDown={bar.show}
        onMouseDown={keepKeyboard}
      >
        {reason !== null && (
          <p className={classes.reason} id={REASON}>
            {reason}
          </p>
        )}
        <div className={classes.row}>
          <Transport {...part} />
          <Clock {...part} opened={open === 'clock' && !part.disabled} onOpen={opens('clock')} />
          <div className={classes.end}>
            <Focus
              {...part}
              disabled={part.disabled || lost}
              opened={open === 'focus' && !part.disabled && !lost}
              onOpen={opens('focus')}
            />
            <Button
              className={classes.explore}
              variant="default"
              radius="md"
              aria-expanded={exploring}
              aria-label="Explore the scene"
              title="Show and hide things, and more"
              leftSection={<IconTelescope size={19} stroke={1.7} />}
              onClick={() => setExploring(!exploring)}
            >
              Explore
            </Button>
          </div>
        </div>
      </section>
    </>
  );
}

/** A press on a button leaves the keyboard where it is, most often in the picture. Fields still take it. */
function keepKeyboard(event: MouseEvent): void {
  if (!(event.target instanceof HTMLInputElement)) event.preventDefault();
}

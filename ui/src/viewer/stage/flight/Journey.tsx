import { Button } from '@mantine/core';
import type { SceneState } from '@shared/protocol';

import { inControl, type State } from '../../session/machine';
import type { Session } from '../../session/session';
import { useNodeName } from '../scene/useNodes';
import { useScene } from '../useScene';
import classes from './Journey.module.css';

/** Says that the program flies by itself, and where to; whoever steers may stop it. */
export function Journey({ session, state }: { session: Session; state: State }) {
  const scene = useScene(session);
  if (scene?.mode !== 'camera_path') return null;
  return (
    <div className={classes.journey} role="status" data-journey={scene.journey?.target ?? ''}>
      {scene.journey ? <Goal session={session} journey={scene.journey} /> : <span>Flying</span>}
      {inControl(state) && (
        <Button
          size="compact-sm"
          radius="xl"
          variant="default"
          onClick={() => session.send({ name: 'stop_flight', args: {} })}
        >
          Stop here
        </Button>
      )}
    </div>
  );
}

type GoalProps = { session: Session; journey: NonNullable<SceneState['journey']> };

function Goal({ session, journey }: GoalProps) {
  const name = useNodeName(session, journey.target);
  return (
    <span>
      {journey.paused ? 'On the way to' : 'Flying to'} <strong>{name}</strong>
    </span>
  );
}

import { Button } from '@mantine/core';
import { IconPlayerPauseFilled, IconPlayerPlayFilled, IconPlayerStopFilled } from '@tabler/icons-react';

import type { Session } from '../../../session/session';
import classes from './Capture.module.css';

type PlayingProps = { session: Session; paused: boolean; obstacle: string | null };

/** What can be done with the recording that plays. */
export function Playing({ session, paused, obstacle }: PlayingProps) {
  const fixed = { size: 'compact-md', disabled: obstacle !== null, title: obstacle ?? undefined } as const;
  return (
    <div className={classes.playing} role="status">
      <span>{paused ? 'A recording waits.' : 'A recording plays.'}</span>
      <Button
        {...fixed}
        variant="default"
        leftSection={paused ? <IconPlayerPlayFilled size={14} /> : <IconPlayerPauseFilled size={14} />}
        onClick={() => session.send({ name: 'pause_playback', args: { paused: !paused } })}
      >
        {paused ? 'Go on' : 'Pause'}
      </Button>
      <Button
        {...fixed}
        variant="default"
        leftSection={<IconPlayerStopFilled size={14} />}
        onClick={() => session.send({ name: 'stop_playback', args: {} })}
      >
        End it
      </Button>
    </div>
  );
}

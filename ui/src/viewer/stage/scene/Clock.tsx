import { Button } from '@mantine/core';
import { IconCalendarEvent } from '@tabler/icons-react';

import { clockWords } from '../../session/sceneWords';
import classes from './Clock.module.css';
import { Jump } from './Jump';
import { Opener } from './Opener';
import { toPicture, type Opening, type ScenePart } from './part';

/** The scene's date and time, the way to another, and the way back to the present. */
export function Clock({ session, scene, disabled, opened, onOpen }: ScenePart & Opening) {
  const { day, clock } = clockWords(scene.time);
  return (
    <div className={classes.clock}>
      <div className={classes.time}>
        <Opener
          label={`${day}, ${clock} UTC. Jump to another date`}
          title="Jump to another date"
          position="top"
          disabled={disabled}
          opened={opened}
          onOpen={onOpen}
          icon={<IconCalendarEvent size={19} stroke={1.6} />}
          small={clock === '' ? '' : `${clock} UTC`}
          large={<time dateTime={scene.time}>{day}</time>}
        >
          <Jump
            scene={scene}
            onJump={(time) => session.send({ name: 'set_time', args: { time } })}
            onDone={() => {
              onOpen(false);
              toPicture();
            }}
          />
        </Opener>
      </div>
      <Button
        className={classes.now}
        size="compact-md"
        radius="xl"
        variant="default"
        disabled={disabled}
        title="Back to the present"
        onClick={() => session.send({ name: 'now', args: {} })}
      >
        Now
      </Button>
    </div>
  );
}

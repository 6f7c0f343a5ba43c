import { Button, Popover, UnstyledButton } from '@mantine/core';
import { IconCalendarEvent } from '@tabler/icons-react';

import { clockWords } from '../../session/sceneWords';
import classes from './Clock.module.css';
import { Jump } from './Jump';
import { toPicture, type Opening, type ScenePart } from './part';

/** The scene's date and time, the way to another, and the way back to the present. */
export function Clock({ session, scene, disabled, opened, onOpen }: ScenePart & Opening) {
  const { day, clock } = clockWords(scene.time);
  return (
    <div className={classes.clock}>
      <Popover
        opened={opened}
        onChange={onOpen}
        position="top"
        withinPortal={false}
        trapFocus
        returnFocus
        shadow="md"
        radius="lg"
      >
        <Popover.Target>
          <UnstyledButton
            className={classes.time}
            disabled={disabled}
            onClick={() => onOpen(!opened)}
            aria-label={`${day}, ${clock} UTC. Jump to another date`}
            title="Jump to another date"
          >
            <IconCalendarEvent size={18} stroke={1.6} aria-hidden="true" />
            <time dateTime={scene.time}>
              <span className={classes.day}>{day}</span> <span className={classes.hours}>{clock}</span>{' '}
              <small>UTC</small>
            </time>
          </UnstyledButton>
        </Popover.Target>
        <Popover.Dropdown className={classes.dropdown} aria-label="Jump to another date">
          <Jump
            scene={scene}
            onJump={(time) => session.send({ name: 'set_time', args: { time } })}
            onDone={() => {
              onOpen(false);
              toPicture();
            }}
          />
        </Popover.Dropdown>
      </Popover>
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

import { Popover, UnstyledButton } from '@mantine/core';
import type { SceneState } from '@shared/protocol';
import { IconSearch } from '@tabler/icons-react';

import { heightWords } from '../../session/sceneWords';
import classes from './Focus.module.css';
import { FocusSearch } from './FocusSearch';
import { toPicture, type Opening, type ScenePart } from './part';
import { useNodeName } from './useNodes';

/** What the camera looks at, and the way to something else. */
export function Focus({ session, scene, disabled, opened, onOpen }: ScenePart & Opening) {
  const name = useNodeName(session, scene.focus);
  return (
    <div className={classes.focus}>
      <Popover
        opened={opened}
        onChange={onOpen}
        position="top-end"
        withinPortal={false}
        trapFocus
        returnFocus
        shadow="md"
        radius="lg"
      >
        <Popover.Target>
          <UnstyledButton
            className={classes.button}
            disabled={disabled}
            onClick={() => onOpen(!opened)}
            aria-label={`Looking at ${name}. Go somewhere else`}
            title="Go somewhere else"
            data-focus={scene.focus}
          >
            <span className={classes.words}>
              <small>{doing(scene)}</small>
              <span className={classes.name}>{name}</span>
            </span>
            <IconSearch size={18} stroke={1.7} aria-hidden="true" />
          </UnstyledButton>
        </Popover.Target>
        <Popover.Dropdown className={classes.dropdown} aria-label="Go somewhere else">
          <FocusSearch
            session={session}
            focus={scene.focus}
            onDone={() => {
              onOpen(false);
              toPicture();
            }}
          />
        </Popover.Dropdown>
      </Popover>
    </div>
  );
}

function doing(scene: SceneState): string {
  if (scene.mode === 'camera_path') return 'Flying to';
  if (scene.mode === 'playback') return 'Recording plays';
  const height = scene.camera ? heightWords(scene.camera) : '';
  return height === '' ? 'Looking at' : `Looking at · ${height}`;
}

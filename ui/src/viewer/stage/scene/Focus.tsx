import { IconSearch } from '@tabler/icons-react';

import { doingWords, placeWords } from '../../session/place';
import classes from './Focus.module.css';
import { FocusSearch } from './FocusSearch';
import { Opener } from './Opener';
import { toPicture, type Opening, type ScenePart } from './part';
import { useNodeName } from './useNodes';

/** Where the camera is, what it looks at, and the way to something else. */
export function Focus({ session, scene, disabled, opened, onOpen }: ScenePart & Opening) {
  const name = useNodeName(session, scene.journey?.target ?? scene.focus);
  const place = placeWords(scene.camera);
  const where = place === '' ? '' : `, ${place}`;
  return (
    <div className={classes.focus} data-focus={scene.focus} data-place={place}>
      <Opener
        label={`Looking at ${name}${where}. Go somewhere else`}
        title="Go somewhere else"
        position="top-end"
        disabled={disabled}
        opened={opened}
        onOpen={onOpen}
        icon={<IconSearch size={18} stroke={1.7} />}
        small={place}
        large={`${doingWords(scene)} ${name}`}
      >
        <FocusSearch
          session={session}
          focus={scene.focus}
          onDone={() => {
            onOpen(false);
            toPicture();
          }}
        />
      </Opener>
    </div>
  );
}

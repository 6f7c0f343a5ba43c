import { ActionIcon, Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Age } from '@shared/components/Age';
import { inWords } from '@shared/http';
import type { LeftSceneView } from '@shared/protocol';
import { IconPlayerPlay, IconX } from '@tabler/icons-react';
import { useState } from 'react';

import classes from './LeftScenes.module.css';
import type { HomeState, Live } from './live';
import { sceneWords } from './sceneWords';

/** What ended with its scene kept: one press goes on with it. Nothing is shown where there is none. */
export function LeftScenes({ live, state }: { live: Live; state: HomeState }) {
  const [going, setGoing] = useState<string | null>(null);
  if (state.scenes.length === 0) return null;

  const goOn = async (scene: LeftSceneView) => {
    setGoing(scene.scene_id);
    try {
      const launched = await live.launch({ resume: scene.scene_id });
      if ('url' in launched) {
        window.location.assign(launched.url);
        return;
      }
      // The place shows above by itself.
      window.scrollTo({ top: 0, behavior: 'smooth' });
    } catch (error) {
      notifications.show({ color: 'red', title: 'It was not continued', message: inWords(error) });
    }
    setGoing(null);
  };
  const forget = (scene: LeftSceneView) =>
    live
      .forgetScene(scene.scene_id)
      .catch((error: unknown) =>
        notifications.show({ color: 'red', title: 'It was not forgotten', message: inWords(error) }),
      );

  return (
    <section aria-labelledby="left">
      <h2 id="left" className={classes.title}>
        Continue where you left off
      </h2>
      <ul className={classes.list}>
        {state.scenes.map((scene) => (
          <li key={scene.scene_id} className={classes.scene} data-scene={scene.scene_id}>
            <div className={classes.words}>
              <span className={classes.place}>{sceneWords(scene)}</span>
              <span className={classes.what}>
                {scene.build_name ?? `${scene.build} (not here any more)`}
                {scene.profile !== null && `, ${scene.profile}`} · <Age since={scene.ended} />
              </span>
            </div>
            <Button
              variant="default"
              radius="xl"
              leftSection={<IconPlayerPlay size={16} />}
              loading={going === scene.scene_id}
              disabled={scene.build_name === null || state.link !== 'up'}
              title={scene.build_name === null ? 'Its build was removed from this machine.' : undefined}
              onClick={() => void goOn(scene)}
            >
              Continue
            </Button>
            <ActionIcon
              variant="subtle"
              color="gray"
              size={40}
              aria-label={`Forget ${sceneWords(scene)}`}
              onClick={() => void forget(scene)}
            >
              <IconX size={18} />
            </ActionIcon>
          </li>
        ))}
      </ul>
    </section>
  );
}

import './styles';

import { CloseButton, Tabs } from '@mantine/core';
import { IconAdjustments, IconCamera, IconEye, IconRocket } from '@tabler/icons-react';
import { useEffect, useRef, type KeyboardEvent } from 'react';

import { atLeast } from '../../../session/roles';
import { showingObstacle, steeringObstacle } from '../../../session/sceneWords';
import { toPicture, type ScenePart } from '../part';
import { outage } from '../../../session/trouble';
import { useTrouble } from '../../useScene';
import { useSession } from '../../useSession';
import { Adjust } from './Adjust';
import { Capture } from './Capture';
import { Missions } from './Missions';
import classes from './panel.module.css';
import { Show } from './Show';
import { useMissions } from './useMissions';

type ScenePanelProps = Pick<ScenePart, 'session' | 'scene'> & { onClose: () => void };

/** What else there is to do with a scene, beside its picture: both are seen at once. */
export function ScenePanel({ session, scene, onClose }: ScenePanelProps) {
  const { state } = useSession(session);
  const trouble = useTrouble(session);
  const missions = useMissions(session, outage(trouble, 'missions') !== null);
  const presents = atLeast(state.role, 'presenter');
  const steering = outage(trouble, 'everything') ?? steeringObstacle(state);
  const panel = useRef<HTMLElement>(null);
  useEffect(() => panel.current?.querySelector<HTMLElement>('[role="tab"]')?.focus(), []);

  const leave = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    onClose();
    toPicture();
  };
  const part = { session, scene };
  const icon = { size: 16, stroke: 1.7 };
  return (
    <aside
      ref={panel}
      className={classes.panel}
      aria-label="Explore the scene"
      data-scene-panel
      onKeyDown={leave}
    >
      <Tabs
        defaultValue="show"
        color="lamp.4"
        keepMounted={false}
        classNames={{ root: classes.tabs, tabSection: classes.tabIcon }}
      >
        <div className={classes.head}>
          <Tabs.List className={classes.list}>
            <Tabs.Tab value="show" leftSection={<IconEye {...icon} />}>
              Show
            </Tabs.Tab>
            {missions.length > 0 && (
              <Tabs.Tab value="missions" leftSection={<IconRocket {...icon} />}>
                Missions
              </Tabs.Tab>
            )}
            {presents && (
              <Tabs.Tab value="capture" leftSection={<IconCamera {...icon} />}>
                Capture
              </Tabs.Tab>
            )}
            {presents && (
              <Tabs.Tab value="adjust" leftSection={<IconAdjustments {...icon} />}>
                Adjust
              </Tabs.Tab>
            )}
          </Tabs.List>
          <CloseButton aria-label="Close" onClick={onClose} />
        </div>
        <Tabs.Panel value="show" className={classes.body}>
          <Show {...part} outage={outage(trouble, 'contents')} obstacle={showingObstacle(state)} />
        </Tabs.Panel>
        <Tabs.Panel value="missions" className={classes.body}>
          <Missions {...part} missions={missions} obstacle={steering} />
        </Tabs.Panel>
        {presents && (
          <Tabs.Panel value="capture" className={classes.body}>
            <Capture {...part} outage={outage(trouble, 'everything')} obstacle={steering} />
          </Tabs.Panel>
        )}
        {presents && (
          <Tabs.Panel value="adjust" className={classes.body}>
            <Adjust {...part} outage={outage(trouble, 'contents')} />
          </Tabs.Panel>
        )}
      </Tabs>
    </aside>
  );
}

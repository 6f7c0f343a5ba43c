import { Button, Menu } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { AdminBuild } from '@shared/protocol';
import { IconChevronDown, IconPlayerPlayFilled } from '@tabler/icons-react';

import { usePanel } from './context';
import classes from './QuickLaunch.module.css';

type QuickLaunchProps = { builds: AdminBuild[]; slotsFree: number; draining: boolean };

/** One press for the default build; the others in a menu beside it. */
export function QuickLaunch({ builds, slotsFree, draining }: QuickLaunchProps) {
  const { commands } = usePanel();
  const launchable = builds.filter((one) => one.problems.length === 0);
  const first = launchable.find((one) => one.build.default) ?? launchable[0];
  const why = draining
    ? 'The machine is being emptied and takes no launches.'
    : slotsFree === 0
      ? 'Every place is taken: stop an instance first.'
      : first
        ? null
        : 'No build can be launched.';

  const launch = async (one: AdminBuild) => {
    const reply = await commands.send({ command: 'launch', build: one.build.id }, 'It was not launched');
    if (reply) notifications.show({ message: `${one.build.name} is being started.` });
  };

  return (
    <div className={classes.pair}>
      <Button
        color="lamp.4"
        className={classes.main}
        leftSection={<IconPlayerPlayFilled size={16} />}
        disabled={why !== null}
        title={why ?? undefined}
        onClick={() => first && void launch(first)}
      >
        Launch {first?.build.name}
      </Button>
      <Menu position="bottom-end" radius="md" shadow="md">
        <Menu.Target>
          <Button
            color="lamp.4"
            className={classes.more}
            aria-label="Launch another build"
            disabled={why !== null || launchable.length < 2}
          >
            <IconChevronDown size={18} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {launchable.map((one) => (
            <Menu.Item key={one.build.id} onClick={() => void launch(one)}>
              {one.build.name}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

import { Button, Menu } from '@mantine/core';
import type { ViewerView } from '@shared/protocol';
import { IconChevronDown, IconHandOff, IconHandStop, IconSteeringWheel } from '@tabler/icons-react';

import { inControl, type State } from '../session/machine';
import { atLeast, roleWords } from '../session/roles';
import type { Session } from '../session/session';
import classes from './ControlMenu.module.css';

type ControlMenuProps = { session: Session; state: State; onOpen: (open: boolean) => void };

/** Who steers, and what one may do about it. */
export function ControlMenu({ session, state, onOpen }: ControlMenuProps) {
  const mine = inControl(state);
  const label = mine ? 'You steer' : state.holder === null ? 'Nobody steers' : 'Another viewer steers';
  return (
    <Menu position="bottom" onChange={onOpen} withinPortal={false} shadow="md" radius="md">
      <Menu.Target>
        <Button
          size="compact-md"
          variant={mine ? 'light' : 'subtle'}
          color={mine ? 'lamp' : 'gray.3'}
          leftSection={<IconSteeringWheel size={19} stroke={1.6} />}
          rightSection={<IconChevronDown size={14} />}
          classNames={{ label: classes.label }}
          aria-label={label}
          data-control={mine ? 'mine' : state.holder === null ? 'free' : 'other'}
        >
          {label}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {mine ? <Holder session={session} state={state} /> : <Other session={session} state={state} />}
      </Menu.Dropdown>
    </Menu>
  );
}

function Holder({ session, state }: { session: Session; state: State }) {
  const others = state.viewers.filter((viewer) => viewer.viewer_id !== state.viewerId);
  return (
    <>
      <Menu.Item leftSection={<IconHandOff size={17} />} onClick={() => session.control('release')}>
        Let go of control
      </Menu.Item>
      {atLeast(state.role, 'presenter') && others.length > 0 && <Menu.Label>Hand control to</Menu.Label>}
      {atLeast(state.role, 'presenter') &&
        others.map((viewer) => (
          <Menu.Item key={viewer.viewer_id} onClick={() => session.control('give', viewer.viewer_id)}>
            {nameOf(viewer)}
          </Menu.Item>
        ))}
    </>
  );
}

function Other({ session, state }: { session: Session; state: State }) {
  const mayTake = atLeast(state.role, 'presenter') && state.holder !== null;
  return (
    <>
      <Menu.Item leftSection={<IconHandStop size={17} />} onClick={() => session.control('request')}>
        {state.holder === null && atLeast(state.role, 'pilot') ? 'Take control' : 'Ask for control'}
      </Menu.Item>
      {mayTake && (
        <Menu.Item leftSection={<IconSteeringWheel size={17} />} onClick={() => session.control('take')}>
          Take control now
        </Menu.Item>
      )}
    </>
  );
}

/** Viewers have no names: the first letters of their id tell them apart. */
function nameOf(viewer: ViewerView): string {
  return `${roleWords[viewer.role].name} ${viewer.viewer_id.slice(0, 4)}`;
}

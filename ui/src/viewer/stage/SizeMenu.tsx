import { ActionIcon, Menu, Text } from '@mantine/core';
import { IconAspectRatio, IconCheck } from '@tabler/icons-react';

import { inControl, mayTake, type State } from '../session/machine';
import type { Session } from '../session/session';
import { explained, isTooLarge, sameMode, sizeChoices } from '../session/size';

type SizeMenuProps = { session: Session; state: State; onOpen: (open: boolean) => void };

/** How large the picture is, for everybody: whoever steers says so. */
export function SizeMenu({ session, state, onOpen }: SizeMenuProps) {
  const { size } = state;
  if (size === null) return null;
  const may = inControl(state) || mayTake(state);
  const label = `Size of the picture: ${size.width} × ${size.height}`;
  return (
    <Menu position="bottom-end" onChange={onOpen} withinPortal={false} shadow="md" radius="md" width={280}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray.3" size={36} aria-label="Size of the picture" title={label}>
          <IconAspectRatio size={19} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {size.width} × {size.height}, for everybody who watches
          {!may && '. Whoever steers decides.'}
        </Menu.Label>
        {size.trouble !== null && (
          <Text size="xs" px="sm" pb="xs" c="orange.4">
            {size.trouble}
          </Text>
        )}
        {sizeChoices.map((choice) => (
          <Menu.RadioItem
            key={choice.name}
            value={choice.name}
            checked={sameMode(choice.mode, size.mode)}
            checkIcon={<IconCheck size={17} />}
            closeMenuOnClick
            disabled={!may || isTooLarge(choice.mode, size)}
            onChange={() => session.setSize(choice.mode)}
          >
            {choice.name}
            <Text size="xs" c="dimmed">
              {explained(choice, size, may)}
            </Text>
          </Menu.RadioItem>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

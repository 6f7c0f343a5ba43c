import { ActionIcon, Menu, Text } from '@mantine/core';
import type { QualityMode } from '@shared/protocol';
import { IconAdjustmentsHorizontal, IconCheck } from '@tabler/icons-react';

import { knownMode, modes, type Mode } from '../session/quality';
import type { Session } from '../session/session';

type QualityMenuProps = { session: Session; quality: QualityMode; onOpen: (open: boolean) => void };

/** What the picture is to be good at, for this viewer alone. */
export function QualityMenu({ session, quality, onOpen }: QualityMenuProps) {
  const chosen = knownMode(quality);
  return (
    <Menu position="bottom-end" onChange={onOpen} withinPortal={false} shadow="md" radius="md" width={280}>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray.3"
          size={36}
          aria-label="Quality of the picture"
          title={`Quality of the picture: ${modes[chosen].name}`}
        >
          <IconAdjustmentsHorizontal size={19} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.keys(modes) as Mode[]).map((mode) => (
          <Menu.RadioItem
            key={mode}
            value={mode}
            checked={mode === chosen}
            checkIcon={<IconCheck size={17} />}
            closeMenuOnClick
            onChange={() => session.setQuality(mode)}
          >
            {modes[mode].name}
            <Text size="xs" c="dimmed">
              {modes[mode].means}
            </Text>
          </Menu.RadioItem>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

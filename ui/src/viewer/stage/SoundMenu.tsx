import '@mantine/core/styles/Slider.css';
import { ActionIcon, Button, Popover, Slider, Text } from '@mantine/core';
import { IconVolume, IconVolumeOff } from '@tabler/icons-react';

import type { Hearing } from '../session/ear';
import type { Session } from '../session/session';

type SoundMenuProps = {
  session: Session;
  hearing: Hearing;
  /** The machine has a sound server. */
  there: boolean;
  onOpen: (open: boolean) => void;
};

/** Whether this viewer hears the program, and how loud. */
export function SoundMenu({ session, hearing, there, onOpen }: SoundMenuProps) {
  const heard = there && hearing.ear === 'open';
  return (
    <Popover
      position="bottom-end"
      onChange={onOpen}
      withinPortal={false}
      shadow="md"
      radius="md"
      width={240}
      trapFocus
    >
      <Popover.Target>
        <ActionIcon
          variant="subtle"
          color="gray.3"
          size={36}
          aria-label="Sound"
          title={title(there, hearing)}
          data-sound
        >
          {heard ? <IconVolume size={19} stroke={1.6} /> : <IconVolumeOff size={19} stroke={1.6} />}
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown data-sound>
        {there ? (
          <Switch session={session} hearing={hearing} />
        ) : (
          <Text size="sm">
            This machine has no sound server, so programs run silently. Its administrator can install
            PulseAudio; it is heard in programs that are launched after that.
          </Text>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function title(there: boolean, { ear }: Hearing): string {
  if (!there) return 'Sound: this machine has none';
  switch (ear) {
    case 'open':
      return 'Sound';
    case 'waiting':
      return 'Sound: comes with your next press';
    case 'shut':
      return 'Sound: off';
  }
}

function Switch({ session, hearing }: Pick<SoundMenuProps, 'session' | 'hearing'>) {
  const on = hearing.ear === 'open';
  return (
    <>
      <Button
        fullWidth
        variant={on ? 'default' : 'filled'}
        leftSection={on ? <IconVolumeOff size={17} /> : <IconVolume size={17} />}
        onClick={() => session.listen(!on)}
      >
        {on ? 'Turn the sound off' : 'Turn the sound on'}
      </Button>
      <Slider
        mt="md"
        thumbLabel="Volume"
        min={0}
        max={1}
        step={0.05}
        label={(volume) => `${Math.round(volume * 100)} %`}
        value={hearing.volume}
        disabled={!on}
        onChange={(volume) => session.setVolume(volume)}
      />
    </>
  );
}

import { Button } from '@mantine/core';
import { Logo } from '@shared/components/Logo';
import { SchemeToggle } from '@shared/components/SchemeToggle';
import { IconAdjustmentsHorizontal } from '@tabler/icons-react';

import classes from './Header.module.css';
import type { HomeState } from './live';
import { roomWords } from './room';

export function Header({ state }: { state: HomeState }) {
  const room = roomWords(state.servers);
  return (
    <header className={classes.header}>
      <a href="/" className={classes.brand} aria-label="OpenSpace WebRTC, home page">
        <Logo size={36} />
        <span className={classes.name}>
          OpenSpace <em>WebRTC</em>
        </span>
      </a>
      {room && state.link === 'up' && (
        <span className={classes.room} data-full={room.full} role="status">
          {room.words}
        </span>
      )}
      <SchemeToggle />
      <Button
        component="a"
        href="/admin"
        variant="subtle"
        color="gray"
        leftSection={<IconAdjustmentsHorizontal size={18} stroke={1.6} />}
        classNames={{ root: classes.admin, section: classes.adminIcon, label: classes.adminLabel }}
        aria-label="Control panel"
      >
        Control panel
      </Button>
    </header>
  );
}

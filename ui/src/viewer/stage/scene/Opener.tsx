import { Popover, UnstyledButton } from '@mantine/core';
import type { ReactNode } from 'react';

import classes from './Opener.module.css';
import type { Opening } from './part';

type OpenerProps = Opening & {
  /** For who does not see it: what it says, and what it leads to. */
  label: string;
  /** What it leads to. */
  title: string;
  disabled: boolean;
  position: 'top' | 'top-end';
  /** A small line over a large one, with an icon beside them. */
  small: ReactNode;
  large: ReactNode;
  icon: ReactNode;
  children: ReactNode;
};

/** Two lines of the scene's bar that open what changes them. */
export function Opener({
  label,
  title,
  disabled,
  position,
  small,
  large,
  icon,
  opened,
  onOpen,
  children,
}: OpenerProps) {
  return (
    <Popover
      opened={opened}
      onChange={onOpen}
      position={position}
      withinPortal={false}
      trapFocus
      returnFocus
      shadow="md"
      radius="lg"
    >
      <Popover.Target>
        <UnstyledButton
          className={classes.opener}
          disabled={disabled}
          onClick={() => onOpen(!opened)}
          aria-label={label}
          title={title}
        >
          <span className={classes.icon} aria-hidden="true">
            {icon}
          </span>
          <span className={classes.words}>
            <small>{small}</small>
            <span className={classes.large}>{large}</span>
          </span>
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown} aria-label={title}>
        {children}
      </Popover.Dropdown>
    </Popover>
  );
}

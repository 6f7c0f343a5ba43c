import { ActionIcon } from '@mantine/core';
import {
  IconPlayerPauseFilled,
  IconPlayerPlayFilled,
  IconPlayerTrackNextFilled,
  IconPlayerTrackPrevFilled,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';

import { rateWords } from '../../session/sceneWords';
import type { ScenePart } from './part';
import classes from './Transport.module.css';

/** How time passes. */
export function Transport({ session, scene, disabled }: ScenePart) {
  const { paused } = scene;
  const button = { disabled, size: 38 };
  return (
    <div className={classes.transport} role="group" aria-label="How time passes">
      <Round
        {...button}
        label="Slower"
        onClick={() => session.send({ name: 'step_rate', args: { forward: false } })}
      >
        <IconPlayerTrackPrevFilled size={17} />
      </Round>
      <Round
        {...button}
        main
        label={paused ? 'Let time pass' : 'Pause time'}
        onClick={() => session.send({ name: 'pause', args: { paused: !paused } })}
      >
        {paused ? <IconPlayerPlayFilled size={20} /> : <IconPlayerPauseFilled size={20} />}
      </Round>
      <Round
        {...button}
        label="Faster"
        onClick={() => session.send({ name: 'step_rate', args: { forward: true } })}
      >
        <IconPlayerTrackNextFilled size={17} />
      </Round>
      <span className={classes.rate} data-rate={scene.rate_seconds_per_second}>
        {paused ? 'Paused' : rateWords(scene.rate_seconds_per_second)}
      </span>
    </div>
  );
}

type RoundProps = {
  label: string;
  main?: boolean;
  disabled: boolean;
  size: number;
  onClick: () => void;
  children: ReactNode;
};

function Round({ label, main, disabled, size, onClick, children }: RoundProps) {
  return (
    <ActionIcon
      variant={main ? 'filled' : 'subtle'}
      color={main ? 'lamp.4' : 'gray.3'}
      autoContrast
      radius="xl"
      size={size}
      disabled={disabled}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      {children}
    </ActionIcon>
  );
}

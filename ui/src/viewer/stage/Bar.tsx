import { ActionIcon, type ActionIconProps } from '@mantine/core';
import { DemoTag } from '@shared/components/DemoTag';
import { Logo } from '@shared/components/Logo';
import type { QualityMode } from '@shared/protocol';
import {
  IconActivity,
  IconEye,
  IconHelp,
  IconMaximize,
  IconMinimize,
  IconPlayerStop,
  IconUserPlus,
} from '@tabler/icons-react';
import { useState, type ComponentPropsWithoutRef, type ReactNode } from 'react';

import type { Hearing } from '../session/ear';
import { phaseOf, type State } from '../session/machine';
import { atLeast } from '../session/roles';
import type { Session } from '../session/session';
import classes from './Bar.module.css';
import { ControlMenu } from './ControlMenu';
import type { DialogName } from './Dialogs';
import { toggleFullscreen, useFullscreen } from './fullscreen';
import { QualityMenu } from './QualityMenu';
import { SizeMenu } from './SizeMenu';
import { SoundMenu } from './SoundMenu';
import { useBarShown } from './useBarShown';

type BarProps = {
  session: Session;
  state: State;
  quality: QualityMode;
  hearing: Hearing;
  /** Something else needs it to stay. */
  held: boolean;
  stats: boolean;
  onStats: () => void;
  onDialog: (name: DialogName) => void;
};

export function Bar({ session, state, quality, hearing, held, stats, onStats, onDialog }: BarProps) {
  const [menuOpen, setMenuOpen] = useState(false);
  const live = phaseOf(state) === 'live';
  const bar = useBarShown(held || menuOpen || !live);
  const fullscreen = useFullscreen();
  const welcomed = state.viewerId !== null;
  return (
    <>
      <button
        className={classes.handle}
        onClick={bar.show}
        onPointerEnter={bar.show}
        aria-label="Show the bar"
      />
      <header className={classes.bar} data-bar data-shown={bar.shown} onPointerMove={bar.show}>
        <a className={classes.home} href="/" aria-label="Home page" title="Home page">
          <Logo size={28} />
        </a>
        <span className={classes.name}>{state.instance?.build_name}</span>
        {state.instance?.demo && (
          <span className={classes.demo}>
            <DemoTag />
          </span>
        )}
        <span className={classes.space} />
        {welcomed && live && <ControlMenu session={session} state={state} onOpen={setMenuOpen} />}
        {welcomed && (
          <span className={classes.viewers} title={`${state.viewers.length} watching`}>
            <IconEye size={18} stroke={1.6} aria-hidden="true" />
            <span aria-label={`${state.viewers.length} watching`}>{state.viewers.length}</span>
          </span>
        )}
        {welcomed && (
          <BarButton
            label={
              atLeast(state.role, 'presenter')
                ? 'Invite others'
                : 'Inviting others takes the role of presenter'
            }
            disabled={!atLeast(state.role, 'presenter')}
            onClick={() => onDialog('invite')}
          >
            <IconUserPlus size={19} stroke={1.6} />
          </BarButton>
        )}
        {welcomed && state.sound !== null && (
          <SoundMenu session={session} hearing={hearing} there={state.sound} onOpen={setMenuOpen} />
        )}
        {welcomed && <SizeMenu session={session} state={state} onOpen={setMenuOpen} />}
        {welcomed && <QualityMenu session={session} quality={quality} onOpen={setMenuOpen} />}
        <BarButton label="Figures of the stream" pressed={stats} onClick={onStats}>
          <IconActivity size={19} stroke={1.6} />
        </BarButton>
        <BarButton
          label={fullscreen ? 'Leave full screen' : 'Full screen'}
          onClick={() => void toggleFullscreen()}
        >
          {fullscreen ? <IconMinimize size={19} stroke={1.6} /> : <IconMaximize size={19} stroke={1.6} />}
        </BarButton>
        <BarButton label="Help and keys" className={classes.roomy} onClick={() => onDialog('help')}>
          <IconHelp size={19} stroke={1.6} />
        </BarButton>
        {atLeast(state.role, 'owner') && (
          <BarButton label="Stop the program" color="red.4" onClick={() => onDialog('stop')}>
            <IconPlayerStop size={19} stroke={1.6} />
          </BarButton>
        )}
      </header>
    </>
  );
}

type BarButtonProps = ComponentPropsWithoutRef<'button'> &
  Pick<ActionIconProps, 'color'> & { label: string; pressed?: boolean; children: ReactNode };

function BarButton({ label, pressed, children, ...props }: BarButtonProps) {
  return (
    <ActionIcon
      variant={pressed ? 'light' : 'subtle'}
      color={pressed ? 'lamp.4' : 'gray.3'}
      size={36}
      aria-label={label}
      aria-pressed={pressed}
      title={label}
      {...props}
    >
      {children}
    </ActionIcon>
  );
}

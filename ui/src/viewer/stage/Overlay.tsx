import { Button, Loader } from '@mantine/core';
import { useGoing } from '@shared/hooks/useGoing';

import type { State } from '../session/machine';
import { phaseOf } from '../session/machine';
import { wordsOf, type Words } from '../session/words';
import classes from './Overlay.module.css';

type OverlayProps = {
  state: State;
  onAgain: () => void;
  /** Goes on elsewhere with what is lost. */
  onRescue: () => Promise<void>;
};

/** Plain words over the stage while there is no live picture; a slim pill when the last picture is still good to see. */
export function Overlay({ state, onAgain, onRescue }: OverlayProps) {
  const words = wordsOf(state);
  if (!words) return null;
  if (phaseOf(state) === 'reconnecting' && state.picture) return <Pill words={words} />;
  return (
    <div className={classes.overlay}>
      <div className={classes.card} role="status" aria-live="polite">
        {words.busy && <Orbit />}
        <h1 className={classes.title}>{words.title}</h1>
        <p className={classes.detail}>{words.detail}</p>
        {words.step !== null && <p className={classes.step}>{words.step}</p>}
        {words.progress !== null && <Progress value={words.progress} />}
        <Ways words={words} onAgain={onAgain} onRescue={onRescue} />
      </div>
    </div>
  );
}

function Pill({ words }: { words: Words }) {
  return (
    <div className={classes.pill} role="status">
      <Loader size={16} color="lamp.4" />
      <strong>{words.title}</strong> <span className={classes.pillDetail}>{words.detail}</span>
    </div>
  );
}

type WaysProps = { words: Words; onAgain: () => void; onRescue: () => Promise<void> };

/** The first one is what most people want. */
function Ways({ words, onAgain, onRescue }: WaysProps) {
  const { home, again, rescue } = words;
  if (!home && again === null && rescue === null) return null;
  return (
    <div className={classes.ways}>
      {rescue !== null && <RescueWay words={rescue} onRescue={onRescue} />}
      {home && (
        <Button
          component="a"
          href="/"
          radius="xl"
          autoContrast
          {...(rescue === null ? { color: 'lamp.4' } : { variant: 'default' })}
        >
          Go to the home page
        </Button>
      )}
      {again !== null && (
        <Button variant="default" radius="xl" onClick={onAgain}>
          {again}
        </Button>
      )}
    </div>
  );
}

function RescueWay({ words, onRescue }: { words: string; onRescue: () => Promise<void> }) {
  const { going, go } = useGoing(onRescue);
  return (
    <Button color="lamp.4" radius="xl" autoContrast loading={going} onClick={go}>
      {words}
    </Button>
  );
}

function Progress({ value }: { value: number }) {
  const percent = Math.round(Math.min(1, Math.max(0, value)) * 100);
  return (
    <div
      className={classes.progress}
      role="progressbar"
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <div className={classes.bar} style={{ width: `${percent}%` }} />
    </div>
  );
}

/** A moon on its way round a planet: something is under way. */
function Orbit() {
  return (
    <svg className={classes.orbit} viewBox="0 0 96 96" width="72" height="72" aria-hidden="true">
      <circle cx="48" cy="48" r="38" className={classes.track} />
      <circle cx="48" cy="48" r="12" className={classes.planet} />
      <g className={classes.moon}>
        <circle cx="48" cy="10" r="4.5" />
      </g>
    </svg>
  );
}

import { UnstyledButton } from '@mantine/core';
import { bitrate, figure } from '@shared/format';
import type { PictureNews } from '@shared/protocol';

import { phaseOf, type State } from '../session/machine';
import { roleWords } from '../session/roles';
import type { MediaStats } from '../session/stats';
import classes from './StatsOverlay.module.css';

type StatsOverlayProps = { state: State; media: MediaStats; onReport: () => void };

/** The figures of the stream, and the way to complain of it. */
export function StatsOverlay({ state, media, onReport }: StatsOverlayProps) {
  const size = media.width === null ? '–' : `${media.width} × ${media.height ?? '–'}`;
  const rows: [string, string][] = [
    ['Phase', phaseOf(state)],
    ['Picture', `${size} ${media.codec ?? ''}`],
    ['Size made', state.made === null ? '–' : rungs[state.made.rung]],
    ['Encoder', state.made === null ? '–' : encoder(state.made)],
    ['Frames', figure(media.fps, 'fps', 1)],
    ['Bitrate', bitrate(media.bitrate_kbps)],
    ['Glass to glass', figure(media.glass_to_glass_ms, 'ms', 1)],
    ['Round trip', figure(media.rtt_ms, 'ms', 1)],
    ['Jitter buffer', figure(media.jitter_buffer_ms, 'ms', 1)],
    ['Decoding', figure(media.decode_ms, 'ms', 1)],
    ['Packets lost', figure(media.lost_percent, '%', 1)],
    ['Frames dropped', figure(media.framesLost, '')],
    ['Viewers', figure(state.viewers.length, '')],
    ['Your role', state.role === null ? '–' : roleWords[state.role].name],
  ];
  return (
    <section className={classes.stats} aria-label="Figures of the stream">
      <dl className={classes.rows}>
        {rows.map(([name, value]) => (
          <div key={name} className={classes.row}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <UnstyledButton
        className={classes.report}
        onClick={onReport}
        title="Keeps these figures of the last minute on the machine"
      >
        My stream is bad
      </UnstyledButton>
    </section>
  );
}

const rungs: Record<PictureNews['rung'], string> = {
  source: 'Whole',
  medium: 'Medium',
  small: 'Small',
};

function encoder(made: PictureNews): string {
  return made.hardware ? `${made.encoder} (GPU)` : made.encoder;
}

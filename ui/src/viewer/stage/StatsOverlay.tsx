import { bitrate, figure } from '@shared/format';

import { phaseOf, type State } from '../session/machine';
import { roleWords } from '../session/roles';
import type { MediaStats } from '../session/stats';
import classes from './StatsOverlay.module.css';

export function StatsOverlay({ state, media }: { state: State; media: MediaStats }) {
  const size = media.width === null ? '–' : `${media.width} × ${media.height ?? '–'}`;
  const rows: [string, string][] = [
    ['Phase', phaseOf(state)],
    ['Picture', `${size} ${media.codec ?? ''}`],
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
    <dl className={classes.stats} aria-label="Figures of the stream">
      {rows.map(([name, value]) => (
        <div key={name} className={classes.row}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

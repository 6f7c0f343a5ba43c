import { bitrate, figure } from '@shared/format';
import type { AdminInstance, AdminViewer } from '@shared/protocol';

import classes from './Details.module.css';

/** What one looks up when something is odd. */
export function Details({ one }: { one: AdminInstance }) {
  const facts: [string, string | null][] = [
    ['Address', one.instance.url],
    ['Profile', one.instance.profile],
    ['Display', one.display],
    ['Process', one.pid === null ? null : String(one.pid)],
    ['Encoder', one.encoder === null ? null : `${one.encoder.name}: ${one.encoder.reason}`],
    [
      'Stream',
      one.stream &&
        `aims at ${bitrate(one.stream.target_kbps)}, ${figure(one.stream.dropped_frames, 'frames')} dropped`,
    ],
    ['Viewers', one.viewers.length === 0 ? null : one.viewers.map(viewerWords).join(' · ')],
  ];
  return (
    <dl className={classes.details}>
      {facts
        .filter(([, value]) => value !== null)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function viewerWords(viewer: AdminViewer): string {
  const parts = [
    `${viewer.role} ${viewer.viewer_id.slice(0, 4)}`,
    viewer.in_control && 'steers',
    !viewer.connected && 'away',
    viewer.rtt_ms !== null && figure(viewer.rtt_ms, 'ms', 1),
  ];
  return parts.filter((part) => part !== false).join(', ');
}

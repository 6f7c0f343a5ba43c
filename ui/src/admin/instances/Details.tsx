import { bitrate, figure } from '@shared/format';
import type { AdminInstance, AdminViewer, RenditionView } from '@shared/protocol';

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
    ['Renditions', one.renditions.length === 0 ? null : one.renditions.map(renditionWords).join(' · ')],
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

function renditionWords({ rendition, size, encoder, viewers, stream }: RenditionView): string {
  const codec = rendition.codec === 'vp8' ? ' VP8' : '';
  const watched = viewers === 1 ? '1 viewer' : `${viewers} viewers`;
  return `${size.width} × ${size.height}${codec} by ${encoder}, ${figure(stream.fps, 'fps')}, ${bitrate(stream.bitrate_kbps)}, ${watched}`;
}

function viewerWords(viewer: AdminViewer): string {
  const parts = [
    `${viewer.role} ${viewer.viewer_id.slice(0, 4)}`,
    viewer.in_control && 'steers',
    !viewer.connected && 'away',
    viewer.rendition !== null && viewer.rendition.rung !== 'source' && `${viewer.rendition.rung} picture`,
    viewer.rtt_ms !== null && figure(viewer.rtt_ms, 'ms', 1),
    viewer.fraction_lost > 0.005 && `${figure(viewer.fraction_lost * 100, '%', 1)} lost`,
    viewer.over_tcp && 'over TCP',
  ];
  return parts.filter((part) => part !== false).join(', ');
}

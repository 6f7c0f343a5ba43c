// The figures of the last minute, for a report. Pure: time is an argument.

import type { StreamReport } from '@shared/protocol';

import type { MediaStats } from './stats';

const KEPT_MS = 60_000;

export type Moment = { atMs: number; media: MediaStats };

/** With one more, and without what is older than a minute. */
export function withMoment(minute: readonly Moment[], now: Moment): Moment[] {
  return [...minute.filter((moment) => now.atMs - moment.atMs < KEPT_MS), now];
}

export function reportOf(minute: readonly Moment[], userAgent: string, nowMs: number): StreamReport {
  return {
    user_agent: userAgent,
    samples: minute.map(({ atMs, media }) => ({
      ago_s: Math.round((nowMs - atMs) / 100) / 10,
      fps: media.fps,
      bitrate_kbps: media.bitrate_kbps,
      rtt_ms: media.rtt_ms,
      jitter_buffer_ms: media.jitter_buffer_ms,
      glass_to_glass_ms: media.glass_to_glass_ms,
      decode_ms: media.decode_ms,
      lost_percent: media.lost_percent,
      frames_dropped: media.framesLost,
      width: media.width,
      height: media.height,
    })),
  };
}

// The stream's figures, once a second.

import type { Role } from '@shared/protocol';

import type { ViewerPhase } from './machine';

/** What `window.openspaceStream.stats()` answers. */
export type StreamStats = {
  phase: ViewerPhase;
  rtt_ms: number | null;
  fps: number | null;
  bitrate_kbps: number | null;
  jitter_buffer_ms: number | null;
  /** From the grab of a picture to its showing, where the browser tells. */
  glass_to_glass_ms: number | null;
  decode_ms: number | null;
  /** Of the packets since the last figures. */
  lost_percent: number | null;
  width: number | null;
  height: number | null;
  codec: string | null;
  viewers: number;
  role: Role | null;
};

export type MediaStats = Pick<
  StreamStats,
  | 'rtt_ms'
  | 'fps'
  | 'bitrate_kbps'
  | 'jitter_buffer_ms'
  | 'glass_to_glass_ms'
  | 'decode_ms'
  | 'lost_percent'
  | 'width'
  | 'height'
  | 'codec'
> & { framesLost: number | null; packetsLost: number | null };

export const noMedia: MediaStats = {
  rtt_ms: null,
  fps: null,
  bitrate_kbps: null,
  jitter_buffer_ms: null,
  glass_to_glass_ms: null,
  decode_ms: null,
  lost_percent: null,
  width: null,
  height: null,
  codec: null,
  framesLost: null,
  packetsLost: null,
};

/** The counters of one moment; figures are differences of two. */
export type Sample = {
  atMs: number;
  bytes: number;
  frames: number;
  jitterBufferS: number;
  emitted: number;
  rttS: number | null;
  dropped: number | null;
  packetsLost: number | null;
  packets: number;
  decodeS: number;
  codec: string | null;
};

export function sampleOf(report: Iterable<Record<string, unknown>>, atMs: number): Sample | null {
  const entries = [...report];
  const inbound = entries.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'video');
  if (!inbound) return null;
  const transport = entries.find((entry) => entry.type === 'transport');
  const pair = entries.find(
    (entry) =>
      entry.type === 'candidate-pair' &&
      (entry.id === transport?.selectedCandidatePairId || entry.selected === true),
  );
  const codec = entries.find((entry) => entry.type === 'codec' && entry.id === inbound.codecId);
  return {
    atMs,
    bytes: number(inbound.bytesReceived) ?? 0,
    frames: number(inbound.framesDecoded) ?? 0,
    jitterBufferS: number(inbound.jitterBufferDelay) ?? 0,
    emitted: number(inbound.jitterBufferEmittedCount) ?? 0,
    rttS: number(pair?.currentRoundTripTime),
    dropped: number(inbound.framesDropped),
    packetsLost: number(inbound.packetsLost),
    packets: number(inbound.packetsReceived) ?? 0,
    decodeS: number(inbound.totalDecodeTime) ?? 0,
    codec: codecName(codec?.mimeType),
  };
}

/** `presented` counts the frames that reached the screen since `before`, where the browser tells. */
export function figures(
  before: Sample | null,
  now: Sample,
  picture: { width: number; height: number },
  presented: number | null,
  glassMs: number | null = null,
): MediaStats {
  const known = picture.width > 0;
  const base = {
    rtt_ms: now.rttS === null ? null : round(now.rttS * 1_000),
    width: known ? picture.width : null,
    height: known ? picture.height : null,
    codec: now.codec,
    framesLost: now.dropped,
    packetsLost: now.packetsLost,
  };
  // Counters begin anew with a new peer.
  if (!before || now.atMs <= before.atMs || now.bytes < before.bytes) {
    return { ...noMedia, ...base };
  }
  const seconds = (now.atMs - before.atMs) / 1_000;
  const emitted = now.emitted - before.emitted;
  const decoded = now.frames - before.frames;
  const lost = Math.max(0, (now.packetsLost ?? 0) - (before.packetsLost ?? 0));
  const sent = now.packets - before.packets + lost;
  return {
    ...base,
    fps: round((presented ?? now.frames - before.frames) / seconds),
    bitrate_kbps: Math.round(((now.bytes - before.bytes) * 8) / 1_000 / seconds),
    jitter_buffer_ms:
      emitted > 0 ? round(((now.jitterBufferS - before.jitterBufferS) / emitted) * 1_000) : null,
    glass_to_glass_ms: glassMs === null ? null : round(glassMs),
    decode_ms: decoded > 0 ? round(((now.decodeS - before.decodeS) / decoded) * 1_000) : null,
    lost_percent: sent > 0 ? round((lost / sent) * 100) : null,
  };
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function codecName(mimeType: unknown): string | null {
  return typeof mimeType === 'string' ? mimeType.replace(/^video\//, '') : null;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

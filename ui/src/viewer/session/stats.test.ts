import { expect, test } from 'vitest';

import { figures, sampleOf, type Sample } from './stats';

const report = [
  { type: 'transport', id: 'T', selectedCandidatePairId: 'P2' },
  { type: 'candidate-pair', id: 'P1', currentRoundTripTime: 9 },
  { type: 'candidate-pair', id: 'P2', currentRoundTripTime: 0.0123 },
  { type: 'codec', id: 'C', mimeType: 'video/H264' },
  {
    type: 'inbound-rtp',
    kind: 'video',
    codecId: 'C',
    bytesReceived: 1_000,
    framesDecoded: 30,
    jitterBufferDelay: 0.3,
    jitterBufferEmittedCount: 30,
    framesDropped: 1,
    packetsLost: 2,
  },
];

const before: Sample = {
  atMs: 1_000,
  bytes: 1_000,
  frames: 30,
  jitterBufferS: 0.3,
  emitted: 30,
  rttS: null,
  dropped: null,
  packetsLost: null,
  packets: 100,
  decodeS: 0.1,
  codec: null,
};
const HD = { width: 1280, height: 720 };

test('a sample is taken from the selected path and the codec in use', () => {
  expect(sampleOf(report, 5)).toMatchObject({
    rttS: 0.0123,
    codec: 'H264',
    bytes: 1_000,
    frames: 30,
    dropped: 1,
  });
});

test('before there is video there are no figures', () => {
  expect(sampleOf(report.slice(0, 4), 5)).toBeNull();
});

test('figures are differences over the time between', () => {
  const now = {
    ...before,
    atMs: 3_000,
    bytes: 501_000,
    frames: 90,
    jitterBufferS: 0.6,
    emitted: 90,
    rttS: 0.0123,
    packets: 198,
    packetsLost: 2,
    decodeS: 0.22,
  };
  expect(figures(before, now, HD, null)).toMatchObject({
    fps: 30,
    bitrate_kbps: 2_000,
    jitter_buffer_ms: 5,
    rtt_ms: 12.3,
    decode_ms: 2,
    lost_percent: 2,
    width: 1280,
    height: 720,
  });
  expect(figures(before, now, HD, 50, 41.26)).toMatchObject({ fps: 25, glass_to_glass_ms: 41.3 });
});

test('a still picture has no jitter, and a new peer no rate yet', () => {
  expect(figures(before, { ...before, atMs: 2_000 }, HD, null)).toMatchObject({
    fps: 0,
    jitter_buffer_ms: null,
  });
  expect(figures(before, { ...before, atMs: 2_000, bytes: 10 }, HD, null)).toMatchObject({
    fps: null,
    bitrate_kbps: null,
  });
});

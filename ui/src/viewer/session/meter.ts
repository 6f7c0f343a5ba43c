// Takes the figures once a second, and counts the frames that reach the screen.

import { withMoment, type Moment } from './minute';
import { figures, noMedia, sampleOf, type MediaStats, type Sample } from './stats';

const EVERY_MS = 1_000;

export class Meter {
  current: MediaStats = noMedia;
  /** Of the last minute. */
  minute: Moment[] = [];
  private before: Sample | null = null;
  private presented = 0;
  private framesSeen = 0;
  /** Grab to glass of each frame since the last figures. */
  private glassMs: number[] = [];
  private readonly video: HTMLVideoElement;
  private readonly report: () => Promise<RTCStatsReport> | null;
  private readonly onFrame: () => void;
  private readonly onFigures: () => void;

  constructor(
    video: HTMLVideoElement,
    report: () => Promise<RTCStatsReport> | null,
    onFrame: () => void,
    onFigures: () => void,
  ) {
    this.video = video;
    this.report = report;
    this.onFrame = onFrame;
    this.onFigures = onFigures;
    this.countFrames();
    setInterval(() => void this.measure(), EVERY_MS);
  }

  private countFrames(): void {
    if (!countsFrames(this.video)) return;
    this.video.requestVideoFrameCallback((_now, frame) => {
      this.presented += 1;
      if (frame.captureTime !== undefined) this.glassMs.push(frame.expectedDisplayTime - frame.captureTime);
      this.onFrame();
      this.countFrames();
    });
  }

  private async measure(): Promise<void> {
    const sample = await this.takeSample();
    if (!sample) {
      this.current = noMedia;
      this.before = null;
    } else {
      const picture = { width: this.video.videoWidth, height: this.video.videoHeight };
      const presented = countsFrames(this.video) && !document.hidden ? this.presented : null;
      this.current = figures(this.before, sample, picture, presented, median(this.glassMs));
      // A tab in the background presents nothing, yet its picture is there.
      if (sample.frames > 0 && sample.frames !== this.framesSeen) this.onFrame();
      this.framesSeen = sample.frames;
      this.before = sample;
    }
    this.minute = withMoment(this.minute, { atMs: performance.now(), media: this.current });
    this.presented = 0;
    this.glassMs = [];
    this.onFigures();
  }

  private async takeSample(): Promise<Sample | null> {
    try {
      const report = await this.report();
      return report && sampleOf(report.values() as Iterable<Record<string, unknown>>, performance.now());
    } catch {
      // The connection was closed while it was asked.
      return null;
    }
  }
}

function median(values: number[]): number | null {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
}

function countsFrames(video: HTMLVideoElement): boolean {
  return typeof (video as Partial<HTMLVideoElement>).requestVideoFrameCallback === 'function';
}

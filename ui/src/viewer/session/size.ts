// How large the picture may be asked to be, in words. Pure.

import type { SizeMode, SizeNews } from '@shared/protocol';

export type SizeChoice = { name: string; mode: SizeMode };

const preset = (name: string, width: number, height: number): SizeChoice => ({
  name,
  mode: { by: 'fixed', width, height },
});

export const sizeChoices: SizeChoice[] = [
  { name: 'As launched', mode: { by: 'launched' } },
  { name: 'Follow my window', mode: { by: 'follow' } },
  preset('720p', 1280, 720),
  preset('1080p', 1920, 1080),
  preset('1440p', 2560, 1440),
  preset('4K', 3840, 2160),
];

export function sameMode(a: SizeMode, b: SizeMode): boolean {
  if (a.by === 'fixed' && b.by === 'fixed') return a.width === b.width && a.height === b.height;
  return a.by === b.by;
}

/** What a choice comes to, beside its name. */
export function explained({ mode }: SizeChoice, news: SizeNews, steering: boolean): string {
  switch (mode.by) {
    case 'launched':
      return 'The size that this program was started with.';
    case 'follow':
      return steering ? 'As large as your screen shows it.' : 'The window of whoever steers.';
    case 'fixed': {
      const size = `${mode.width} × ${mode.height}`;
      return isTooLarge(mode, news)
        ? `${size} is more than this machine takes: ${news.width_max} × ${news.height_max}.`
        : size;
    }
  }
}

export function isTooLarge(mode: SizeMode, news: SizeNews): boolean {
  return mode.by === 'fixed' && (mode.width > news.width_max || mode.height > news.height_max);
}

/** CSS pixels as the screen's own. */
export function placeOf(
  width: number,
  height: number,
  pixelRatio: number,
): { width: number; height: number } {
  const dots = (side: number) => Math.max(1, Math.round(side * pixelRatio));
  return { width: dots(width), height: dots(height) };
}

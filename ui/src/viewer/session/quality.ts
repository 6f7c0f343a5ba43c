// What a viewer may want of the picture, in words.

import type { QualityMode } from '@shared/protocol';

export type Mode = Exclude<QualityMode, 'auto'>;

export const modes: Record<Mode, { name: string; means: string }> = {
  interactive: { name: 'Interactive', means: 'Each picture as soon as it is there: best for steering.' },
  smooth: { name: 'Smooth', means: 'A tenth of a second later, and evenly: best for watching over Wi-Fi.' },
  saver: { name: 'Data saver', means: 'A quarter of the pixels, and at most 0.8 Mbit/s for 720p.' },
};

/** Whatever is remembered or unset: the mode that the picture is in. */
export function knownMode(mode: string | null): Mode {
  return mode === 'smooth' || mode === 'saver' ? mode : 'interactive';
}

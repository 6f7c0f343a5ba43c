// The figures of an instance, as far as there are any. Pure.

import { bitrate, bytes, figure, percent } from '@shared/format';
import type { AdminInstance } from '@shared/protocol';

export type NamedFigure = { name: string; value: string };

export function figuresOf(one: AdminInstance): NamedFigure[] {
  const { stream } = one;
  const watching = one.viewers.filter((viewer) => viewer.connected).length;
  const figures: (NamedFigure | false)[] = [
    { name: 'Viewers', value: String(watching) },
    { name: 'Picture', value: `${one.size.width} × ${one.size.height}` },
    one.cpu_percent !== null && { name: 'CPU', value: percent(one.cpu_percent) },
    one.memory_bytes !== null && { name: 'Memory', value: bytes(one.memory_bytes) },
    one.gpu_memory_bytes !== null && { name: 'GPU memory', value: bytes(one.gpu_memory_bytes) },
    stream !== null && { name: 'Frames', value: figure(stream.fps, 'fps', 1) },
    stream !== null && { name: 'Bitrate', value: bitrate(stream.bitrate_kbps) },
    stream !== null && { name: 'Encoding', value: figure(stream.encode_ms, 'ms', 1) },
  ];
  return figures.filter((one): one is NamedFigure => one !== false);
}

// What a scene that was left showed. Pure.

import type { LeftSceneView } from '@shared/protocol';

const day = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
});

/** "Mars, 4 July 1997" */
export function sceneWords({ focus, time }: Pick<LeftSceneView, 'focus' | 'time'>): string {
  const date = new Date(/[zZ]$/.test(time) ? time : `${time}Z`);
  return Number.isNaN(date.getTime()) ? focus : `${focus}, ${day.format(date)}`;
}

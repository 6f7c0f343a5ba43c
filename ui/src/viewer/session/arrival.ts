// What the page that launched asked for is done once, as this viewer's own wishes, as soon as the scene can be asked.

import { takeArrival, type Arrival } from '@shared/arrival';
import type { Wish } from '@shared/protocol';

import type { Session } from './session';

export function arrive(session: Session): void {
  const arrival = takeArrival(session.instance);
  if (!arrival) return;
  const left = session.scene.subscribe(() => {
    if (session.scene.get() === null || !session.canWish()) return;
    left();
    void follow(session, wishesOf(arrival));
  });
}

/** One after the other; the first that is refused is told, and the rest is still tried. */
async function follow(session: Session, wishes: Wish[]): Promise<void> {
  for (const wish of wishes) {
    await session.wish(wish).catch((error: unknown) => {
      session.notice.emit(error instanceof Error ? error.message : String(error));
    });
  }
}

export function wishesOf({ focus, time }: Arrival): Wish[] {
  const wishes: Wish[] = [];
  if (time !== null) wishes.push({ name: 'set_time', args: { time } });
  if (focus !== null) wishes.push({ name: 'fly_to', args: { node: focus } });
  return wishes;
}

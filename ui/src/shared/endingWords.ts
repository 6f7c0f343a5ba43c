// Why the time of an instance comes to its end, in words. Pure.

import { duration } from '@shared/format';
import type { EndingNews, EndingReason, EndingView } from '@shared/protocol';

/** For whoever watches it. */
const forWatchers = {
  unwatched: 'Nobody watches this any more.',
  unmoved: 'Nobody has moved anything for a while.',
  longest: 'The time of this session is nearly over.',
  drained: 'This machine is taken out of service.',
} satisfies Record<EndingReason, string>;

/** For lists: "Ends in 4 min, since nobody watches it". */
const forLists = {
  unwatched: 'since nobody watches it',
  unmoved: 'since nobody moves anything',
  longest: 'when its time is over',
  drained: 'with its machine’s service',
} satisfies Record<EndingReason, string>;

export type EndingWords = {
  /** What happens. */
  title: string;
  /** When, and what can be done. */
  detail: string;
  /** What the button says, where there is something to press. */
  stay: string | null;
};

export function endingWords(ending: EndingNews, leftS: number | null, maySteer: boolean): EndingWords {
  if (leftS === null) {
    return {
      title: 'This machine is being taken out of service.',
      detail: 'What runs here goes on until it ends; what it shows is kept, to go on with later.',
      stay: null,
    };
  }
  const when = leftS <= 0 ? 'It ends now.' : `It ends in ${countdown(leftS)}.`;
  const mayStay = ending.stay_s !== null;
  const stay = mayStay && maySteer ? stayLabel(ending) : null;
  const can = mayStay
    ? maySteer
      ? timesLeft(ending)
      : 'Somebody who may steer can let it stay.'
    : 'It cannot be lengthened; what it shows is kept, to go on with later.';
  return {
    title: forWatchers[ending.why],
    detail: [when, can].filter((part) => part !== null).join(' '),
    stay: leftS <= 0 ? null : stay,
  };
}

/** "Ends in 4 min, since nobody watches it." */
export function endsIn(ending: EndingView, nowMs: number): string {
  const leftS = (ending.at - nowMs) / 1_000;
  const when = leftS < 1 ? 'now' : `in ${duration(leftS)}`;
  return `Ends ${when}, ${forLists[ending.why]}.`;
}

/** `0:07`, `4:32`, and for what is far away `2 h 5 min`. */
export function countdown(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s >= 3_600) return duration(s);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

function stayLabel({ why, stay_s }: EndingNews): string {
  return why === 'longest' && stay_s !== null ? `Stay ${duration(stay_s)} longer` : 'Stay';
}

function timesLeft({ stays_left }: EndingNews): string | null {
  if (stays_left === null) return null;
  return stays_left === 1
    ? 'It can be lengthened once more.'
    : `It can be lengthened ${stays_left} times more.`;
}

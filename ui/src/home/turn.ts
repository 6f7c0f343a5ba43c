// What a place in the queue comes to, in words. Pure.

import { duration } from '@shared/format';
import type { TicketView } from '@shared/protocol';

export type TurnWords = { title: string; detail: string };

export function turnWords(ticket: TicketView): TurnWords {
  switch (ticket.state) {
    case 'waiting':
      return {
        title: ticket.position <= 1 ? 'You are next' : `You are number ${ticket.position} in the queue`,
        detail: waitWords(ticket.eta_s),
      };
    case 'held':
      return {
        title: 'It is your turn',
        detail: `A place is held for you for another ${duration(ticket.held_s ?? 0)}.`,
      };
    case 'lapsed':
      return {
        title: 'Your turn came and went',
        detail: 'A place was held for you, and nobody came for it in time. It went to the next.',
      };
  }
}

/** An estimate is called one, and where nothing is known that is said. */
function waitWords(eta_s: number | null): string {
  if (eta_s === null) return 'How long it takes is not known yet: too few have left so far.';
  return eta_s < 60 ? 'It should take less than a minute.' : `It should take about ${duration(eta_s)}.`;
}

/** The tab's title while one waits; nothing while one does not. */
export function turnTitle(queue: TicketView[]): string | null {
  if (queue.some((ticket) => ticket.state === 'held')) return '★ Your turn!';
  const [first] = queue.filter((ticket) => ticket.state === 'waiting');
  return first ? `#${first.position} in the queue` : null;
}

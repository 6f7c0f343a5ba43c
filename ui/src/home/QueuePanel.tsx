import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Note } from '@shared/components/Note';
import { inWords } from '@shared/http';
import type { BuildView, InstanceId, TicketView } from '@shared/protocol';

import type { HomeState, Live } from './live';
import classes from './QueuePanel.module.css';
import { turnWords } from './turn';
import { useTurn } from './useTurn';

type Props = { live: Live; state: HomeState; before?: (instance: InstanceId) => void };

/** One's places in the queue, live. Nothing is shown where there is none. */
export function QueuePanel({ live, state, before }: Props) {
  const turn = useTurn(live, state, before);
  if (state.queue.length === 0) return null;
  const leave = (ticket: TicketView) =>
    live
      .leaveQueue(ticket.ticket_id)
      .catch((error: unknown) =>
        notifications.show({ color: 'red', title: 'The place was not given up', message: inWords(error) }),
      );
  return (
    <section className={classes.queue} aria-label="Your place in the queue">
      {state.queue.map((ticket) => {
        const words = turnWords(ticket);
        return (
          <div key={ticket.ticket_id} className={classes.place} data-turn={ticket.state}>
            {ticket.state === 'waiting' && (
              <span className={classes.number} aria-hidden>
                {ticket.position}
              </span>
            )}
            <div className={classes.words} role="status">
              <strong className={classes.title}>{words.title}</strong>
              <span className={classes.detail}>
                {words.detail} {ticket.state === 'waiting' && staying(ticket, state.builds)}
              </span>
            </div>
            {ticket.state === 'held' && (
              <Button
                color="lamp.4"
                radius="xl"
                className={classes.go}
                loading={turn.claiming === ticket.ticket_id}
                onClick={() => void turn.claim(ticket.ticket_id)}
              >
                Launch now
              </Button>
            )}
            <Button variant="default" radius="xl" onClick={() => void leave(ticket)}>
              {ticket.state === 'lapsed' ? 'Understood' : 'Leave the queue'}
            </Button>
          </div>
        );
      })}
      {turn.failed !== null && <Note tone="bad">{turn.failed}</Note>}
    </section>
  );
}

function staying(ticket: TicketView, builds: BuildView[] | null): string {
  const build = builds?.find((one) => one.id === ticket.build)?.name;
  return `${build ?? 'It'} launches by itself when it is your turn: keep this page open.`;
}

import { lasting } from '@shared/storage';
import { useEffect, useState, useSyncExternalStore } from 'react';

import type { Session } from '../../session/session';
import classes from './FlightHint.module.css';

const SHOWN_MS = 9_000;

const words = {
  touch: 'One finger turns. Pinch to go closer, twist to roll, drag two fingers to look around.',
  gamepad: 'The left stick turns, the right one looks around. Triggers go closer and back.',
};

/** Tells a hand that is new to this browser, once, what it can do. */
export function FlightHint({ session }: { session: Session }) {
  const hand = useSyncExternalStore(session.hand.subscribe, session.hand.get);
  const [over, setOver] = useState<string | null>(null);
  const isNew = hand !== null && over !== hand && lasting.get(key(hand)) === null;
  useEffect(() => {
    if (!isNew) return undefined;
    const timer = setTimeout(() => {
      lasting.set(key(hand), 'seen');
      setOver(hand);
    }, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isNew, hand]);

  if (!isNew) return null;
  return (
    <p className={classes.hint} role="status" data-flight-hint={hand}>
      {words[hand]}
    </p>
  );
}

function key(hand: string): string {
  return `hint-${hand}`;
}

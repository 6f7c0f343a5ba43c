import type { State } from '../../session/machine';
import type { Session } from '../../session/session';
import classes from './Flight.module.css';
import { FlightHint } from './FlightHint';
import { Journey } from './Journey';

/** What there is to say about who flies the camera. */
export function Flight({ session, state }: { session: Session; state: State }) {
  return (
    <div className={classes.words}>
      <Journey session={session} state={state} />
      <FlightHint session={session} />
    </div>
  );
}

import classes from '../cards.module.css';
import { JoinCode, JoinForm } from './Joining';

/** How two machines that have met come to trust each other. */
export function Trust() {
  return (
    <>
      <p className={classes.words}>
        Machines that trust each other show and launch each other&rsquo;s instances. Make a code here and use
        it on the other machine, or the other way round.
      </p>
      <JoinCode />
      <JoinForm />
    </>
  );
}

import type { InstanceState } from '@shared/protocol';

import { stateWords } from '../instanceWords';
import classes from './StateBadge.module.css';

/** A dot and a word; the dot breathes while something is under way. */
export function StateBadge({ state }: { state: InstanceState }) {
  const { label, tone } = stateWords[state];
  return (
    <span className={classes.badge} data-tone={tone}>
      <span className={classes.dot} aria-hidden="true" />
      {label}
    </span>
  );
}

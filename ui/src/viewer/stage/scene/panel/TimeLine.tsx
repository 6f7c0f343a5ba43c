import type { MissionPhase } from '@shared/protocol';

import { contains, drawnAt, widths } from '../../../session/missions';
import type { Reach } from './Missions';
import classes from './Missions.module.css';

/** A mission from left to right, each phase as long as it lasted, nearly; a mark where the scene is. */
export function TimeLine({ phases, time, disabled, onJump }: Reach & { phases: MissionPhase[] }) {
  if (phases.length === 0) return null;
  const drawn = widths(phases);
  const at = drawnAt(phases, time);
  return (
    <div className={classes.line} role="group" aria-label="Time line of the mission">
      {phases.map((phase, i) => (
        <button
          key={phase.start + phase.name}
          type="button"
          style={{ flexGrow: drawn[i] }}
          disabled={disabled}
          data-now={contains(phase, time)}
          aria-label={phase.name}
          title={phase.name}
          onClick={() => onJump(phase.start)}
        />
      ))}
      {at !== null && <span className={classes.mark} style={{ left: `${at * 100}%` }} aria-hidden="true" />}
    </div>
  );
}

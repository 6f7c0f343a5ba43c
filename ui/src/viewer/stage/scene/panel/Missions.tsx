import { NativeSelect, UnstyledButton } from '@mantine/core';
import type { Milestone, Mission, MissionPhase } from '@shared/protocol';
import { IconFlag } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';

import {
  contains,
  nearest,
  outline,
  pathTo,
  rangeWords,
  whenWords,
  type Outline,
} from '../../../session/missions';
import type { ScenePart } from '../part';
import classes from './Missions.module.css';
import { Said } from './Said';
import { TimeLine } from './TimeLine';

type MissionsProps = Pick<ScenePart, 'session' | 'scene'> & { missions: Mission[]; obstacle: string | null };

/** A mission as a story: where in it the scene is, and the way to each of its moments. */
export function Missions({ session, scene, missions, obstacle }: MissionsProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const mission = missions.find(({ id }) => id === chosen) ?? nearest(missions, scene.time);
  if (!mission) return <Said>This scene tells of no mission.</Said>;
  const jump = (time: string) => session.send({ name: 'set_time', args: { time } });
  const reach = { time: scene.time, disabled: obstacle !== null, onJump: jump };
  return (
    <article className={classes.mission} data-mission={mission.id}>
      {missions.length > 1 && (
        <NativeSelect
          aria-label="Mission"
          data={missions.map(({ id, name }) => ({ value: id, label: name }))}
          value={mission.id}
          onChange={({ currentTarget }) => setChosen(currentTarget.value)}
        />
      )}
      <header>
        <h3>{mission.name}</h3>
        <small>{rangeWords(mission)}</small>
      </header>
      {mission.description !== '' && <p>{mission.description}</p>}
      {obstacle !== null && <Said>{obstacle}</Said>}
      <TimeLine phases={mission.phases} {...reach} />
      {!contains(mission, scene.time) && (
        <Said>
          The scene is at another time.{obstacle === null && ' Choose a part of the mission to go there.'}
        </Said>
      )}
      <ol className={classes.phases}>
        {outline(mission).map((part) => (
          <Phase key={part.phase.start + part.phase.name} {...part} {...reach} />
        ))}
      </ol>
    </article>
  );
}

export type Reach = { time: string; disabled: boolean; onJump: (time: string) => void };

function Phase({ phase, milestones, time, disabled, onJump }: Outline[number] & Reach) {
  const now = contains(phase, time);
  const inner = pathTo(phase, time).at(-1);
  const self = useRef<HTMLLIElement>(null);
  const was = useRef(now);
  // Where it begins is left to the reader; from then on the list goes along.
  useEffect(() => {
    if (now && !was.current) self.current?.scrollIntoView({ block: 'nearest' });
    was.current = now;
  }, [now]);
  return (
    <li ref={self} className={classes.phase} data-now={now} data-phase={phase.name}>
      <UnstyledButton
        className={classes.title}
        disabled={disabled}
        aria-current={now ? 'time' : undefined}
        title={`Go to its beginning: ${whenWords(phase.start)}`}
        onClick={() => onJump(phase.start)}
      >
        <span>{phase.name}</span>
        <small>{now ? 'now' : whenWords(phase.start)}</small>
      </UnstyledButton>
      {now && <p>{phase.description}</p>}
      {now && phase.phases.length > 0 && (
        <Parts phases={phase.phases} inner={inner} onJump={onJump} disabled={disabled} />
      )}
      {milestones.map((milestone) => (
        <Moment
          key={milestone.time + milestone.name}
          milestone={milestone}
          disabled={disabled}
          onJump={onJump}
        />
      ))}
    </li>
  );
}

type PartsProps = Omit<Reach, 'time'> & { phases: MissionPhase[]; inner: MissionPhase | undefined };

/** The parts of the part that is on. */
function Parts({ phases, inner, disabled, onJump }: PartsProps) {
  return (
    <ul className={classes.parts}>
      {phases.map((part) => (
        <li key={part.start + part.name}>
          <UnstyledButton
            className={classes.part}
            disabled={disabled}
            data-now={part === inner}
            title={part.description}
            onClick={() => onJump(part.start)}
          >
            {part.name}
          </UnstyledButton>
        </li>
      ))}
    </ul>
  );
}

type MomentProps = Omit<Reach, 'time'> & { milestone: Milestone };

function Moment({ milestone, disabled, onJump }: MomentProps) {
  return (
    <UnstyledButton
      className={classes.moment}
      disabled={disabled}
      title={milestone.description}
      onClick={() => onJump(milestone.time)}
    >
      <IconFlag size={15} stroke={1.7} aria-hidden="true" />
      <span>
        {milestone.name}
        {milestone.description !== '' && <small>{milestone.description}</small>}
      </span>
      <small>{whenWords(milestone.time)}</small>
    </UnstyledButton>
  );
}

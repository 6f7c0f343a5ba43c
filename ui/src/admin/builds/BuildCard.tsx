import { Button } from '@mantine/core';
import { Age } from '@shared/components/Age';
import { DemoTag } from '@shared/components/DemoTag';
import { Note } from '@shared/components/Note';
import { Panel } from '@shared/components/Panel';
import { count } from '@shared/format';
import type { AdminBuild, FetchView } from '@shared/protocol';

import { usePanel } from '../context';
import classes from './BuildCard.module.css';
import { Fetching } from './Fetching';

type BuildCardProps = {
  one: AdminBuild;
  fetches: FetchView[];
  onDefault: () => void;
  onRemove: () => void;
};

export function BuildCard({ one, fetches, onDefault, onRemove }: BuildCardProps) {
  const { commands } = usePanel();
  const { build } = one;
  const broken = one.problems.length > 0;
  return (
    <Panel className={classes.card} data-build={build.id} aria-label={build.name}>
      <div className={classes.head}>
        <h2 className={classes.name}>{build.name}</h2>
        {build.demo && <DemoTag />}
        {build.default && <span className={classes.default}>Default</span>}
      </div>
      <p className={classes.kind}>{kindOf(one)}</p>
      <p className={classes.location}>{one.location}</p>
      {one.changed !== null && (
        <Note tone="info">
          Its folder changed <Age since={one.changed} />. What is shown is as it is now; instances that run
          keep what they were started with.
        </Note>
      )}
      {one.problems.map((problem) => (
        <Note key={problem} tone="bad">
          {problem}
        </Note>
      ))}
      {one.last_failure !== null && (
        <Note tone="warn">Its newest start came to nothing. {one.last_failure}</Note>
      )}
      {one.notes.length > 0 && (
        <ul className={classes.notes}>
          {one.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      <Fetching one={one} fetches={fetches} />
      <div className={classes.actions}>
        <Button
          size="xs"
          variant="default"
          disabled={build.default || broken || commands.busy > 0}
          title={
            build.default
              ? 'It is the default already.'
              : broken
                ? 'It cannot be launched as it is.'
                : undefined
          }
          onClick={onDefault}
        >
          Make default
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={build.demo || commands.busy > 0}
          title={build.demo ? 'The demo comes with the program.' : undefined}
          onClick={onRemove}
        >
          Remove
        </Button>
      </div>
    </Panel>
  );
}

function kindOf({ build, profiles, commit, confirmed }: AdminBuild): string {
  if (build.kind === 'program') return 'Program';
  const version = build.version === null ? 'OpenSpace' : `OpenSpace ${build.version}`;
  const parts = [
    build.demo ? 'Stand-in for OpenSpace' : version,
    commit !== null && `commit ${commit.slice(0, 10)}`,
    count(profiles.length, 'profile'),
    confirmed === null ? 'has not run here yet' : 'confirmed by a start',
  ];
  return parts.filter((part) => part !== false).join(' · ');
}

import { Button } from '@mantine/core';
import { DemoTag } from '@shared/components/DemoTag';
import { Note } from '@shared/components/Note';
import { Panel } from '@shared/components/Panel';
import { count } from '@shared/format';
import type { AdminBuild } from '@shared/protocol';

import { usePanel } from '../context';
import classes from './BuildCard.module.css';

type BuildCardProps = { one: AdminBuild; onDefault: () => void; onRemove: () => void };

export function BuildCard({ one, onDefault, onRemove }: BuildCardProps) {
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
      {one.problems.map((problem) => (
        <Note key={problem} tone="bad">
          {problem}
        </Note>
      ))}
      {one.notes.length > 0 && (
        <ul className={classes.notes}>
          {one.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
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

function kindOf({ build, profiles }: AdminBuild): string {
  if (build.kind === 'program') return 'Program';
  const version = build.version === null ? 'OpenSpace' : `OpenSpace ${build.version}`;
  return `${build.demo ? 'Stand-in for OpenSpace' : version} · ${count(profiles.length, 'profile')}`;
}

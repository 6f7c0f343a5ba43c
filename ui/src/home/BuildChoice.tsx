import { Select } from '@mantine/core';
import { DemoTag } from '@shared/components/DemoTag';
import type { BuildView } from '@shared/protocol';

import classes from './BuildChoice.module.css';

/** More cards than this and a list is quicker to read. */
const CARDS_MAX = 4;

type BuildChoiceProps = {
  /** `null` until the server has said. */
  builds: BuildView[] | null;
  value: string | null;
  onChange: (id: string) => void;
};

export function BuildChoice({ builds, value, onChange }: BuildChoiceProps) {
  const chosen = builds?.find((build) => build.id === value);
  return (
    <div>
      {builds === null && <div className={classes.waiting} aria-label="The builds are being asked for" />}
      {builds !== null && builds.length > CARDS_MAX && (
        <Select
          label="What to launch"
          data={builds.map((build) => ({ value: build.id, label: titleOf(build) }))}
          value={value}
          allowDeselect={false}
          searchable
          onChange={(id) => id !== null && onChange(id)}
        />
      )}
      {builds !== null && builds.length > 0 && builds.length <= CARDS_MAX && (
        <fieldset className={classes.cards}>
          <legend className={classes.legend}>What to launch</legend>
          {builds.map((build) => (
            <label key={build.id} className={classes.card}>
              <input
                type="radio"
                name="build"
                value={build.id}
                checked={build.id === value}
                onChange={() => onChange(build.id)}
              />
              <span className={classes.name}>{build.name}</span>
              <span className={classes.sub}>{build.demo ? <DemoTag /> : subtitleOf(build)}</span>
            </label>
          ))}
        </fieldset>
      )}
      {chosen?.demo && (
        <p className={classes.demo}>
          This is a demonstration: a sky of our own that stands in for OpenSpace, so that you can try
          streaming, steering and rejoining. OpenSpace itself can be added in the control panel.
        </p>
      )}
    </div>
  );
}

function subtitleOf(build: BuildView): string {
  if (build.kind === 'program') return 'Program';
  return build.version === null || build.name.includes(build.version) ? 'OpenSpace' : build.version;
}

function titleOf(build: BuildView): string {
  return build.demo ? `${build.name} (demo)` : build.name;
}

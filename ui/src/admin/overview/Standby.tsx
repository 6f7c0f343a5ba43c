import { ActionIcon, Button, NativeSelect } from '@mantine/core';
import { Panel } from '@shared/components/Panel';
import type { AdminBuild, NodeSnapshot, StandbyView } from '@shared/protocol';
import { IconMinus, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';

import cards from '../cards.module.css';
import { usePanel } from '../context';
import classes from './Standby.module.css';

type StandbyProps = Pick<NodeSnapshot, 'standby' | 'builds' | 'node'>;

/** What runs before anybody asks, so that a launch of it is there at once. */
export function Standby({ standby, builds, node }: StandbyProps) {
  const most = node.slots_total - 1;
  const wanted = standby.reduce((sum, one) => sum + one.wanted, 0);
  return (
    <Panel aria-labelledby="standby">
      <h2 className={cards.title} id="standby">
        Ready before asked
      </h2>
      <p className={cards.words}>
        Instances that run for whoever comes next, so that a launch finds one at once. They make way for any
        other launch, and are only started while the machine has memory and cores to spare.
      </p>
      {standby.length > 0 && (
        <ul className={cards.rows}>
          {standby.map((one) => (
            <Scene
              key={`${one.build} ${one.profile ?? ''}`}
              one={one}
              builds={builds}
              full={wanted >= most}
            />
          ))}
        </ul>
      )}
      {most < 1 ? (
        <p className={cards.words}>This machine has one place only, which is kept for launches.</p>
      ) : (
        <Add builds={builds} standby={standby} full={wanted >= most} />
      )}
    </Panel>
  );
}

function Scene({ one, builds, full }: { one: StandbyView; builds: AdminBuild[]; full: boolean }) {
  const { commands } = usePanel();
  const { build, profile, wanted, ready } = one;
  const name = builds.find((known) => known.build.id === build)?.build.name ?? build;
  const what = profile === null ? name : `${name}, ${profile}`;
  const set = (count: number) =>
    void commands.send(
      { command: 'set_standby', build, ...(profile !== null && { profile }), count },
      'Not changed',
    );
  return (
    <li className={cards.row}>
      <span className={cards.what}>
        {what}
        <span className={cards.state}>{ready >= wanted ? 'ready' : `${ready} of ${wanted} ready`}</span>
      </span>
      <ActionIcon
        variant="default"
        size={36}
        aria-label={`One less of ${what}`}
        onClick={() => set(wanted - 1)}
      >
        <IconMinus size={16} />
      </ActionIcon>
      <output className={classes.count} aria-label={`${what} kept ready`}>
        {wanted}
      </output>
      <ActionIcon
        variant="default"
        size={36}
        aria-label={`One more of ${what}`}
        disabled={full}
        title={full ? 'One place stays free for other launches.' : undefined}
        onClick={() => set(wanted + 1)}
      >
        <IconPlus size={16} />
      </ActionIcon>
    </li>
  );
}

function Add({ builds, standby, full }: { builds: AdminBuild[]; standby: StandbyView[]; full: boolean }) {
  const { commands } = usePanel();
  const launchable = builds.filter((one) => one.problems.length === 0);
  const [chosen, setChosen] = useState<string | null>(null);
  const [profile, setProfile] = useState<string | null>(null);
  const build =
    launchable.find((one) => one.build.id === chosen) ?? launchable.find((one) => one.build.default);
  if (!build) return null;
  const profiles = build.profiles.filter((one) => one.problem === null).map((one) => one.id);
  const scene =
    profiles.find((one) => one === profile) ??
    profiles.find((one) => one === 'default') ??
    profiles[0] ??
    null;
  const known = standby.some((one) => one.build === build.build.id && one.profile === scene);
  const add = () =>
    void commands.send(
      { command: 'set_standby', build: build.build.id, ...(scene !== null && { profile: scene }), count: 1 },
      'Nothing is kept ready',
    );
  return (
    <div className={cards.together}>
      <NativeSelect
        aria-label="Build"
        data={launchable.map((one) => ({ value: one.build.id, label: one.build.name }))}
        value={build.build.id}
        onChange={(event) => setChosen(event.currentTarget.value)}
      />
      {scene !== null && (
        <NativeSelect
          aria-label="Profile"
          data={profiles}
          value={scene}
          onChange={(event) => setProfile(event.currentTarget.value)}
        />
      )}
      <Button
        variant="default"
        disabled={known || full}
        title={
          known ? 'It is kept ready already.' : full ? 'One place stays free for other launches.' : undefined
        }
        onClick={add}
      >
        Keep one ready
      </Button>
    </div>
  );
}

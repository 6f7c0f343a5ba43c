import { Button, SegmentedControl } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Panel } from '@shared/components/Panel';
import { inWords } from '@shared/http';
import { IconPlayerPlayFilled } from '@tabler/icons-react';
import { useState } from 'react';

import { BuildChoice } from './BuildChoice';
import classes from './Launcher.module.css';
import type { HomeState, Live } from './live';
import { ProfileChoice } from './ProfileChoice';
import { roomWords } from './room';
import { sizes, type SizeId } from './sizes';
import { useProfiles } from './useProfiles';

export function Launcher({ live, state }: { live: Live; state: HomeState }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const [profile, setProfile] = useState<string | null>(null);
  const [size, setSize] = useState<SizeId>('720p');
  const [launching, setLaunching] = useState(false);
  const builds = state.builds ?? [];
  const build = builds.find((one) => one.id === chosen) ?? builds.find((one) => one.default) ?? builds[0];
  const asked = useProfiles(live, build?.kind === 'openspace' ? build.id : null);
  const profiles = asked ?? [];
  const obstacle = obstacleOf(state, asked !== null);
  const full = roomWords(state.servers)?.full === true;

  const launch = async () => {
    setLaunching(true);
    const { width, height } = sizes.find((one) => one.id === size) ?? sizes[0];
    try {
      const launched = await live.launch({ build: build?.id, profile: profile ?? undefined, width, height });
      if ('url' in launched) {
        window.location.assign(launched.url);
        return;
      }
      // The place shows above by itself.
      window.scrollTo({ top: 0, behavior: 'smooth' });
    } catch (error) {
      notifications.show({
        color: 'red',
        title: 'It was not launched',
        message: inWords(error),
        autoClose: 12_000,
      });
    }
    setLaunching(false);
  };

  return (
    <Panel className={classes.launcher}>
      <BuildChoice
        builds={state.builds}
        value={build?.id ?? null}
        onChange={(id) => {
          setChosen(id);
          setProfile(null);
        }}
      />
      {build && profiles.length > 0 && (
        <ProfileChoice build={build.id} profiles={profiles} value={profile} onChange={setProfile} />
      )}
      <div>
        <span className={classes.label} id="size">
          Picture
        </span>
        <SegmentedControl
          fullWidth
          aria-labelledby="size"
          value={size}
          onChange={(value) => setSize(value)}
          data={sizes.map((one) => ({
            value: one.id,
            label: (
              <span className={classes.size}>
                {one.label} <small>{one.hint}</small>
              </span>
            ),
          }))}
        />
      </div>
      <Button
        size="xl"
        fullWidth
        color="lamp.4"
        radius="xl"
        className={classes.launch}
        leftSection={<IconPlayerPlayFilled size={20} />}
        loading={launching}
        disabled={obstacle !== null}
        onClick={() => void launch()}
      >
        {full && obstacle === null ? 'Join the queue' : 'Launch'}
      </Button>
      <p className={classes.obstacle} role="status">
        {obstacle ?? (full ? 'Every place is taken: you get a place in the queue.' : null)}
      </p>
    </Panel>
  );
}

/**
 * Why nothing can be launched right now. Until all that is asked for here is known, the button would still move, and a
 * press could miss it.
 */
function obstacleOf(state: HomeState, profilesKnown: boolean): string | null {
  if (state.link !== 'up') return state.link === 'down' ? 'Waiting for the server.' : 'Asking the server…';
  if (state.builds === null || !profilesKnown) return 'Asking the server…';
  if (state.builds.length === 0)
    return 'Nothing can be launched here yet: an administrator has to add a build.';
  if (state.servers.length > 0 && state.servers.every((server) => server.draining))
    return 'This machine is taken out of service for a while and starts nothing new.';
  return state.queue.some((ticket) => ticket.state !== 'lapsed') ? 'You have a place in the queue.' : null;
}

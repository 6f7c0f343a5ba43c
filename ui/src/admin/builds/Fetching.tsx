import { Button, NativeSelect } from '@mantine/core';
import { Age } from '@shared/components/Age';
import { Note } from '@shared/components/Note';
import type { AdminBuild, FetchView } from '@shared/protocol';
import { useState } from 'react';

import { usePanel } from '../context';
import classes from './Fetching.module.css';
import { fetchIsOver, fetchState } from './words';

type FetchingProps = { one: AdminBuild; fetches: FetchView[] };

/** The data of a build's profiles: downloaded now, rather than while the first viewer waits. */
export function Fetching({ one, fetches }: FetchingProps) {
  const { commands } = usePanel();
  const [chosen, setChosen] = useState<string | null>(null);
  const profiles = one.profiles.filter(({ problem }) => problem === null).map(({ id }) => id);
  const profile =
    profiles.find((id) => id === chosen) ?? profiles.find((id) => id === 'default') ?? profiles[0];
  if (one.build.kind === 'program' || profile === undefined) return null;
  const build = one.build.id;
  const underWay = fetches.some((fetch) => fetch.profile === profile && !fetchIsOver(fetch.step));
  const broken = one.problems.length > 0;
  return (
    <div className={classes.fetching}>
      {fetches.map((fetch) => (
        <Fetch key={fetch.profile} one={fetch} />
      ))}
      <div className={classes.together}>
        {profiles.length > 1 && (
          <NativeSelect
            size="xs"
            aria-label={`Profile of ${one.build.name} to download`}
            data={profiles}
            value={profile}
            onChange={(event) => setChosen(event.currentTarget.value)}
          />
        )}
        <Button
          size="xs"
          variant="default"
          disabled={underWay || broken || commands.busy > 0}
          title={
            underWay
              ? 'It is under way.'
              : broken
                ? 'It cannot be started as it is.'
                : 'It is started once, by nobody, until all that its scene needs is downloaded.'
          }
          onClick={() =>
            void commands.send({ command: 'fetch_data', build, profile }, 'Nothing is downloaded')
          }
        >
          Fetch its data now
        </Button>
      </div>
    </div>
  );
}

function Fetch({ one }: { one: FetchView }) {
  const { commands } = usePanel();
  const { build, profile, step, since, message } = one;
  if (fetchIsOver(step)) {
    return (
      <div data-fetch={step}>
        <Note tone={step === 'failed' ? 'bad' : 'info'}>
          Data of “{profile}”, <Age since={since} />: {message}
        </Note>
      </div>
    );
  }
  return (
    <div className={classes.row} data-fetch={step}>
      <span className={classes.what}>
        Data of “{profile}”<span className={classes.state}>{fetchState(one)}</span>
      </span>
      <Button
        size="xs"
        variant="default"
        disabled={step === 'ending' || commands.busy > 0}
        onClick={() =>
          void commands.send({ command: 'cancel_fetch', build, profile }, 'It was not cancelled')
        }
      >
        Cancel
      </Button>
    </div>
  );
}

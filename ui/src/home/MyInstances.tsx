import { notifications } from '@mantine/notifications';
import { Confirm } from '@shared/components/Confirm';
import { inWords } from '@shared/http';
import type { InstanceView } from '@shared/protocol';
import { useState } from 'react';

import { Empty } from './Empty';
import { InstanceCard } from './InstanceCard';
import type { HomeState, Live } from './live';
import { machineOf } from './room';
import classes from './MyInstances.module.css';

type MyInstancesProps = {
  live: Live;
  state: HomeState;
  /** A strip that leaves room for what comes after it. */
  compact: boolean;
};

export function MyInstances({ live, state, compact }: MyInstancesProps) {
  const [asked, setAsked] = useState<InstanceView | null>(null);
  const list = state.instances;
  const end = (instance: InstanceView, failed: string) => {
    setAsked(null);
    live
      .stop(instance.instance_id)
      .catch((error: unknown) =>
        notifications.show({ color: 'red', title: failed, message: inWords(error) }),
      );
  };
  const rescue = async (instance: InstanceView) => {
    try {
      const launched = await live.launch({ resume: instance.instance_id });
      if ('url' in launched) window.location.assign(launched.url);
      // Else its place in the queue shows above by itself.
    } catch (error) {
      notifications.show({ color: 'red', title: 'It does not go on', message: inWords(error) });
    }
  };
  return (
    <section className={classes.mine} aria-labelledby="mine" data-compact={compact}>
      <h2 id="mine" className={classes.title}>
        Your instances{' '}
        {list !== null && list.length > 0 && <span className={classes.count}>{list.length}</span>}
      </h2>
      {list === null && <div className={classes.waiting} aria-hidden="true" />}
      {list?.length === 0 && <Empty />}
      <ul className={classes.grid}>
        {list?.map((instance) => (
          <li key={instance.instance_id}>
            <InstanceCard
              instance={instance}
              where={machineOf(instance, state.servers)}
              compact={compact}
              fetchPicture={() => live.thumbnail(instance.instance_id)}
              stale={state.link === 'down'}
              onStop={() => setAsked(instance)}
              onRemove={() => end(instance, 'It was not removed')}
              onRescue={() => rescue(instance)}
            />
          </li>
        ))}
      </ul>
      <Confirm
        question={
          asked && {
            title: `Stop ${asked.build_name}?`,
            detail:
              'It ends for everybody who watches it. This page keeps its scene for a while, to go on with later.',
            yes: 'Stop it',
          }
        }
        onYes={() => asked && end(asked, 'It was not stopped')}
        onNo={() => setAsked(null)}
      />
    </section>
  );
}

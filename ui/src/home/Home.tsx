import { Notifications } from '@mantine/notifications';
import { isLive } from '@shared/instanceWords';

import classes from './Home.module.css';
import { Header } from './Header';
import { Launcher } from './Launcher';
import { LeftScenes } from './LeftScenes';
import type { Live } from './live';
import { MyInstances } from './MyInstances';
import { Notices } from './Notices';
import { QueuePanel } from './QueuePanel';
import { Sky } from './Sky';
import { useLive } from './useLive';

export function Home({ live }: { live: Live }) {
  const state = useLive(live);
  // Before the server has said, what was running at the last visit tells, so that nothing jumps when it does.
  const rejoins = state.instances?.some((one) => isLive(one.state)) ?? live.hadRunning();
  // By their keys both stay what they are when they change places.
  const mine = <MyInstances key="mine" live={live} state={state} compact={rejoins} />;
  const left = <LeftScenes key="left" live={live} state={state} />;
  const launch = (
    <section key="launch" className={classes.hero} aria-labelledby="launch">
      <div className={classes.words}>
        <h1 id="launch" className={classes.title}>
          Where shall we&nbsp;go?
        </h1>
        <p className={classes.lead}>
          The universe is drawn over there, on {machineName(state.servers)}, and seen and steered here. Close
          the tab whenever you like: it keeps running, and this page leads you back.
        </p>
      </div>
      <Launcher live={live} state={state} />
    </section>
  );
  return (
    <div className={classes.page}>
      <Notifications position="bottom-center" />
      <Sky />
      <Header state={state} />
      <main className={classes.main} data-rejoins={rejoins}>
        <Notices state={state} onDismiss={() => live.dismissLost()} />
        <QueuePanel live={live} state={state} />
        {rejoins ? [mine, left, launch] : [left, launch, mine]}
      </main>
    </div>
  );
}

function machineName(servers: { this_machine: boolean; name: string }[]): string {
  return servers.find((server) => server.this_machine)?.name ?? 'a strong machine';
}

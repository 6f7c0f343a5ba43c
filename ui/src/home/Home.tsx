import { Notifications } from '@mantine/notifications';

import classes from './Home.module.css';
import { Header } from './Header';
import { Launcher } from './Launcher';
import type { Live } from './live';
import { MyInstances } from './MyInstances';
import { Notices } from './Notices';
import { Sky } from './Sky';
import { useLive } from './useLive';

export function Home({ live }: { live: Live }) {
  const state = useLive(live);
  return (
    <div className={classes.page}>
      <Notifications position="bottom-center" />
      <Sky />
      <Header state={state} />
      <main className={classes.main}>
        <Notices state={state} onDismiss={() => live.dismissLost()} />
        <section className={classes.hero} aria-labelledby="launch">
          <div className={classes.words}>
            <h1 id="launch" className={classes.title}>
              Where shall we&nbsp;go?
            </h1>
            <p className={classes.lead}>
              The universe is drawn over there, on {machineName(state.servers)}, and seen and steered here.
              Close the tab whenever you like: it keeps running, and this page leads you back.
            </p>
          </div>
          <Launcher live={live} state={state} />
        </section>
        <MyInstances live={live} state={state} />
      </main>
    </div>
  );
}

function machineName(servers: { this_machine: boolean; name: string }[]): string {
  return servers.find((server) => server.this_machine)?.name ?? 'a strong machine';
}

import { Anchor, Button } from '@mantine/core';
import { keepArrival } from '@shared/arrival';
import { DemoTag } from '@shared/components/DemoTag';
import { Note } from '@shared/components/Note';
import { Panel } from '@shared/components/Panel';
import { inWords } from '@shared/http';
import { IconPlayerPlayFilled } from '@tabler/icons-react';
import type { InstanceId } from '@shared/protocol';
import { useCallback, useState } from 'react';

import { judge, readLink, type DeepLink } from './deepLink';
import { Header } from './Header';
import homeClasses from './Home.module.css';
import launcherClasses from './Launcher.module.css';
import classes from './LaunchPage.module.css';
import type { Live } from './live';
import { Notices } from './Notices';
import { QueuePanel } from './QueuePanel';
import { roomWords } from './room';
import { Sky } from './Sky';
import { useLive } from './useLive';
import { useProfiles } from './useProfiles';

/** Where a link to a scene leads: it says what would be launched, and launches when a person wants it. */
export function LaunchPage({ live }: { live: Live }) {
  const state = useLive(live);
  const [link] = useState(() => readLink(window.location.search));
  const asked = state.builds?.find((one) => (link.build === null ? one.default : one.id === link.build));
  const profiles = useProfiles(live, asked?.kind === 'openspace' ? asked.id : null);
  const arrive = useCallback((id: InstanceId) => keepArrival(id, link.arrival), [link]);
  const waits = state.queue.some((ticket) => ticket.state !== 'lapsed');
  const known = state.builds !== null && profiles !== null;
  return (
    <div className={homeClasses.page}>
      <Sky />
      <Header state={state} />
      <main className={classes.main}>
        <Notices state={state} onDismiss={() => live.dismissLost()} />
        <QueuePanel live={live} state={state} before={arrive} />
        <Panel className={classes.panel} aria-busy={!known}>
          {known ? (
            <Question
              live={live}
              link={link}
              verdict={judge(link, state.builds ?? [], profiles)}
              full={roomWords(state.servers)?.full === true}
              waits={waits}
            />
          ) : (
            <p className={classes.lead}>Asking the server…</p>
          )}
        </Panel>
      </main>
    </div>
  );
}

type QuestionProps = {
  live: Live;
  link: DeepLink;
  verdict: ReturnType<typeof judge>;
  full: boolean;
  waits: boolean;
};

function Question({ live, link, verdict, full, waits }: QuestionProps) {
  const [launching, setLaunching] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const { build, profile } = verdict;
  const problems = failed === null ? verdict.problems : [...verdict.problems, failed];
  const launch = async () => {
    setLaunching(true);
    setFailed(null);
    try {
      const launched = await live.launch({ build: build?.id, profile: link.profile ?? undefined });
      if ('url' in launched) {
        keepArrival(launched.instance_id, link.arrival);
        window.location.assign(launched.url);
        return;
      }
      // The place shows above by itself.
      window.scrollTo({ top: 0, behavior: 'smooth' });
    } catch (error) {
      setFailed(inWords(error));
    }
    setLaunching(false);
  };
  const facts: [string, string | null | undefined][] = [
    ['Profile', profile?.name ?? (build?.kind === 'openspace' ? 'The one it comes with' : null)],
    ['About it', profile?.description],
    ['Fly to', link.arrival.focus],
    ['Date and time', link.arrival.time && `${link.arrival.time.replace('T', ' ')} UTC`],
  ];
  return (
    <>
      <h1 className={classes.title}>
        {build === null ? 'This link cannot be followed' : `Launch ${build.name}?`}{' '}
        {build?.demo && <DemoTag />}
      </h1>
      {build !== null && (
        <>
          <p className={classes.lead}>
            You opened a link to a scene. It starts a program on this machine that runs until you stop it.
          </p>
          <dl className={classes.facts}>
            {facts
              .filter(([, value]) => value != null)
              .map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
          </dl>
        </>
      )}
      {problems.map((problem) => (
        <Note key={problem} tone="bad">
          {problem}
        </Note>
      ))}
      <Button
        size="xl"
        fullWidth
        color="lamp.4"
        radius="xl"
        className={launcherClasses.launch}
        leftSection={<IconPlayerPlayFilled size={20} />}
        loading={launching}
        disabled={verdict.problems.length > 0 || waits}
        onClick={() => void launch()}
      >
        {full && !waits ? 'Join the queue' : 'Launch'}
      </Button>
      {full && !waits && <p className={classes.fine}>Every place is taken: you get a place in the queue.</p>}
      <p className={classes.fine}>
        <Anchor href="/">To the home page instead</Anchor>
      </p>
    </>
  );
}

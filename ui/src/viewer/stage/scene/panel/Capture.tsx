import { Button } from '@mantine/core';
import { inWords } from '@shared/http';
import { IconCamera, IconPlayerRecordFilled, IconPlayerStopFilled } from '@tabler/icons-react';
import { useState } from 'react';

import { isSaved } from '../../../session/saved';
import type { ScenePart } from '../part';
import classes from './Capture.module.css';
import { Kept } from './Kept';
import { Playing } from './Playing';
import { Said } from './Said';
import { useList } from './useList';
import { Taken } from './Taken';

type CaptureProps = Pick<ScenePart, 'session' | 'scene'> & {
  /** Why nothing can be kept now. */
  outage: string | null;
  /** Why nothing can be played now. */
  obstacle: string | null;
};

/** Pictures and recordings of the scene. */
export function Capture({ session, scene, outage, obstacle }: CaptureProps) {
  const [busy, setBusy] = useState<'picture' | 'recording' | null>(null);
  const [taken, setTaken] = useState<{ name: string; order: number } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [ours, setOurs] = useState(0);
  const pictures = useList(session, { name: 'list_screenshots', args: {} }, isSaved, ours);
  // Somebody else's recording that has ended is in the list too.
  const recordings = useList(
    session,
    { name: 'list_recordings', args: {} },
    isSaved,
    `${ours} ${scene.recorder}`,
  );
  const recording = scene.recorder === 'recording';
  const playing = scene.recorder === 'playing' || scene.recorder === 'paused';

  const attempt = async (what: 'picture' | 'recording', wish: Parameters<typeof session.wish>[0]) => {
    setBusy(what);
    setProblem(null);
    try {
      const made = await session.wish(wish);
      if (what === 'picture' && isSaved(made)) setTaken({ name: made.name, order: ours });
      setOurs((before) => before + 1);
    } catch (error) {
      setProblem(inWords(error));
    } finally {
      setBusy(null);
    }
  };
  const record = () =>
    attempt(
      'recording',
      recording ? { name: 'stop_recording', args: {} } : { name: 'start_recording', args: {} },
    );
  return (
    <>
      <div className={classes.deeds}>
        <Button
          variant="default"
          radius="md"
          leftSection={<IconCamera size={18} stroke={1.7} />}
          loading={busy === 'picture'}
          disabled={outage !== null}
          onClick={() => void attempt('picture', { name: 'screenshot', args: {} })}
        >
          Take a picture
        </Button>
        <Button
          variant={recording ? 'filled' : 'default'}
          color="red.7"
          radius="md"
          leftSection={
            recording ? (
              <IconPlayerStopFilled size={17} />
            ) : (
              <IconPlayerRecordFilled size={17} color="var(--mantine-color-red-5)" />
            )
          }
          loading={busy === 'recording'}
          disabled={playing || outage !== null}
          onClick={() => void record()}
        >
          {recording ? 'Stop recording' : 'Record'}
        </Button>
      </div>
      {outage !== null && <Said>{outage}</Said>}
      {problem !== null && (
        <p className={classes.problem} role="alert">
          {problem}
        </p>
      )}
      {playing && <Playing session={session} paused={scene.recorder === 'paused'} obstacle={obstacle} />}
      {taken && <Taken key={taken.order} session={session} name={taken.name} />}
      <Kept
        title="Pictures"
        kind="screenshots"
        session={session}
        {...pictures}
        nothing="No picture has been taken yet."
      />
      <Kept
        title="Recordings"
        kind="recordings"
        session={session}
        {...recordings}
        nothing="Nothing has been recorded yet. A recording keeps every move of camera and time, and plays it again."
        play={recording ? null : { obstacle: playing ? 'A recording plays already.' : obstacle }}
      />
      {recording && (recordings.list?.length ?? 0) > 0 && (
        <Said>While a recording is under way, none can be played.</Said>
      )}
    </>
  );
}

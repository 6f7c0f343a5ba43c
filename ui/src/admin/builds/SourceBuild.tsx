import { Button, Progress } from '@mantine/core';
import { Age } from '@shared/components/Age';
import { Note } from '@shared/components/Note';
import { Panel } from '@shared/components/Panel';
import { percent } from '@shared/format';
import type { SourceBuildView, SourceStep } from '@shared/protocol';

import { usePanel } from '../context';
import { LogLines } from '../LogLines';
import classes from './SourceBuild.module.css';

const words: Record<SourceStep, string> = {
  configuring: 'Step 1 of 3: configuring',
  building: 'Step 2 of 3: building',
  installing: 'Step 3 of 3: installing',
  done: 'Done',
  failed: 'It came to nothing',
  cancelled: 'Cancelled',
};

/** The build from source that is under way, or how the last one ended. */
export function SourceBuild({ one }: { one: SourceBuildView }) {
  const { commands } = usePanel();
  const busy = one.message === null;
  return (
    <Panel className={classes.panel} aria-label="Build from source" data-step={one.step}>
      <div className={classes.head}>
        <h2 className={classes.title}>{words[one.step]}</h2>
        <span className={classes.age}>
          begun <Age since={one.started} />
        </span>
        {busy && (
          <Button
            size="xs"
            variant="default"
            disabled={commands.busy > 0}
            onClick={() => void commands.send({ command: 'cancel_source_build' }, 'It was not cancelled')}
          >
            Cancel
          </Button>
        )}
      </div>
      <p className={classes.dir}>{one.dir}</p>
      {busy && (
        <div className={classes.progress}>
          <Progress
            flex={1}
            color="lamp.4"
            radius="xl"
            aria-label="Progress"
            value={(one.progress ?? 1) * 100}
            animated={one.progress === null}
            striped={one.progress === null}
          />
          {one.progress !== null && <span>{percent(one.progress * 100)}</span>}
        </div>
      )}
      {one.message !== null && <Note tone={one.step === 'failed' ? 'bad' : 'info'}>{one.message}</Note>}
      {one.step !== 'done' && (
        <LogLines lines={one.log_tail} empty="It has printed nothing yet." className={classes.log} />
      )}
    </Panel>
  );
}

import { Panel } from '@shared/components/Panel';
import { sentence } from '@shared/format';
import type { GpuState, HealthPoint } from '@shared/protocol';
import { IconCpu2 } from '@tabler/icons-react';

import { GpuPanel } from './GpuPanel';
import classes from './Gpus.module.css';

export function Gpus({ gpus, history }: { gpus: GpuState; history: HealthPoint[] }) {
  if (gpus.state === 'unavailable') return <NoDriver reason={gpus.reason} />;
  return gpus.gpus.map((gpu) => (
    <GpuPanel
      key={gpu.uuid ?? gpu.index}
      gpu={gpu}
      driver={gpus.driver_version}
      // The node keeps the history of the busiest one only where there is one.
      history={gpus.gpus.length === 1 ? history : []}
    />
  ));
}

/** Calm: a machine without NVIDIA is a machine that works in software. */
function NoDriver({ reason }: { reason: string }) {
  return (
    <Panel className={classes.none} aria-label="GPU">
      <IconCpu2 size={30} stroke={1.3} aria-hidden="true" />
      <div>
        <h2 className={classes.title}>No NVIDIA driver</h2>
        <p className={classes.reason}>{sentence(reason)}</p>
      </div>
    </Panel>
  );
}

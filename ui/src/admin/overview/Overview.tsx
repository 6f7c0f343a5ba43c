import { Note } from '@shared/components/Note';
import type { NodeSnapshot } from '@shared/protocol';

import { InstanceList } from '../instances/InstanceList';
import { OtherMachines } from '../machines/OtherMachines';
import type { NetworkPoint } from '../panelState';
import { Addresses } from './Addresses';
import { DrawingAndEncoding } from './DrawingAndEncoding';
import { Gpus } from './Gpus';
import { Draining } from './Draining';
import { HostTiles } from './HostTiles';
import classes from './Overview.module.css';
import { Service } from './Service';
import { Standby } from './Standby';

export function Overview({ snapshot, network }: { snapshot: NodeSnapshot; network: NetworkPoint[] }) {
  const { health, history, node } = snapshot;
  return (
    <>
      {snapshot.warnings.map((warning) => (
        <Note key={warning} tone="warn">
          {warning}
        </Note>
      ))}
      {health === null ? (
        <Note tone="info">The machine&rsquo;s figures are being taken.</Note>
      ) : (
        <div className={classes.machine}>
          <HostTiles host={health.host} history={history} network={network} />
          <Gpus gpus={health.gpus} history={history} />
        </div>
      )}
      <Draining node={node} instances={snapshot.instances} />
      <InstanceList snapshot={snapshot} />
      <div className={classes.pair}>
        <div className={classes.column}>
          <DrawingAndEncoding node={node} />
          <Standby standby={snapshot.standby} builds={snapshot.builds} node={node} />
          <Service node={node} />
        </div>
        <div className={classes.column}>
          <Addresses node={node} />
          <OtherMachines registry={snapshot.registry} fleet={snapshot.fleet} />
        </div>
      </div>
    </>
  );
}

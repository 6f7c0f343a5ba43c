import { Note } from '@shared/components/Note';
import type { NodeSnapshot } from '@shared/protocol';

import { InstanceList } from '../instances/InstanceList';
import type { NetworkPoint } from '../panelState';
import { Addresses } from './Addresses';
import { DrawingAndEncoding } from './DrawingAndEncoding';
import { Gpus } from './Gpus';
import { Draining } from './Draining';
import { HostTiles } from './HostTiles';
import classes from './Overview.module.css';
import { Machines } from './Machines';
import { Registry } from '../registry/Registry';
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
        <DrawingAndEncoding node={node} />
        <Addresses node={node} />
        <Standby standby={snapshot.standby} builds={snapshot.builds} node={node} />
        <Registry registry={snapshot.registry} />
        <Machines fleet={snapshot.fleet} />
        <Service node={node} />
      </div>
    </>
  );
}

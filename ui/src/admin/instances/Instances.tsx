import type { NodeSnapshot } from '@shared/protocol';

import { GoneLogs } from './GoneLogs';
import { InstanceList } from './InstanceList';

export function Instances({ snapshot }: { snapshot: NodeSnapshot }) {
  const living = snapshot.instances.map((one) => one.instance.instance_id).join();
  return (
    <>
      <InstanceList snapshot={snapshot} detailed />
      <GoneLogs living={living} />
    </>
  );
}

import type { NodeSnapshot } from '@shared/protocol';

import { InstanceList } from './InstanceList';

export function Instances({ snapshot }: { snapshot: NodeSnapshot }) {
  return <InstanceList snapshot={snapshot} detailed />;
}

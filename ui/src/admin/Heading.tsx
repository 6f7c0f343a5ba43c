import { count, duration } from '@shared/format';
import { useNow } from '@shared/hooks/useNow';
import type { NodeSnapshot } from '@shared/protocol';

import classes from './Heading.module.css';
import { QuickLaunch } from './QuickLaunch';
import type { Section } from './useSection';

export function Heading({ section, snapshot }: { section: Section; snapshot: NodeSnapshot }) {
  const now = useNow();
  const { node } = snapshot;
  const titles: Record<Section, string> = {
    overview: node.name,
    instances: 'Instances',
    builds: 'Builds',
    audit: 'Audit log',
  };
  return (
    <header className={classes.heading}>
      <div className={classes.words}>
        <h1 className={classes.title}>{titles[section]}</h1>
        <p className={classes.line}>
          {node.draining === null
            ? `${node.slots_free} of ${count(node.slots_total, 'place')} free`
            : 'takes no launches'}{' '}
          · {count(node.viewers, 'viewer')} · up for {duration((now - node.started) / 1_000)}
        </p>
      </div>
      <QuickLaunch builds={snapshot.builds} slotsFree={node.slots_free} draining={node.draining !== null} />
    </header>
  );
}

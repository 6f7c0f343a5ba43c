import { Age } from '@shared/components/Age';
import { DemoTag } from '@shared/components/DemoTag';
import { Panel } from '@shared/components/Panel';
import { StateBadge } from '@shared/components/StateBadge';
import { Thumbnail } from '@shared/components/Thumbnail';
import { endsIn } from '@shared/endingWords';
import { useNow } from '@shared/hooks/useNow';
import { phaseSentence } from '@shared/instanceWords';
import type { AdminInstance, EndingView } from '@shared/protocol';

import { usePanel } from '../context';
import type { InstanceAction } from '../instanceActions';
import { Actions } from './Actions';
import { Details } from './Details';
import { figuresOf } from './figures';
import classes from './InstanceCard.module.css';

type InstanceCardProps = {
  one: AdminInstance;
  detailed: boolean;
  onAction: (action: InstanceAction) => void;
  onLog: () => void;
};

export function InstanceCard({ one, detailed, onAction, onLog }: InstanceCardProps) {
  const { backend } = usePanel();
  const { instance } = one;
  const words = instance.message ?? phaseSentence(instance);
  return (
    <Panel
      className={classes.card}
      data-instance={instance.instance_id}
      data-state={instance.state}
      aria-label={instance.build_name}
    >
      <div className={classes.picture}>
        <Thumbnail
          fetchPicture={() => backend.thumbnail(instance.instance_id)}
          active={instance.state === 'ready'}
          faded={instance.state !== 'ready'}
          label={`The picture of ${instance.build_name}`}
        />
      </div>
      <div className={classes.body}>
        <div className={classes.head}>
          <h3 className={classes.name}>{instance.build_name}</h3>
          {instance.demo && <DemoTag />}
          <StateBadge state={instance.state} />
          {instance.standby && <span className={classes.standby}>Ready for whoever comes next</span>}
          {instance.fetches && <span className={classes.standby}>Downloads its data, for nobody yet</span>}
          <span className={classes.age}>
            <Age since={instance.created} />
          </span>
        </div>
        {words !== null && <p className={classes.words}>{words}</p>}
        {one.ending !== null && <Ending ending={one.ending} soon={instance.ending !== null} />}
        <dl className={classes.figures}>
          {figuresOf(one).map(({ name, value }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {detailed && <Details one={one} />}
        <Actions state={instance.state} name={instance.build_name} onAction={onAction} onLog={onLog} />
      </div>
    </Panel>
  );
}

function Ending({ ending, soon }: { ending: EndingView; soon: boolean }) {
  const now = useNow();
  return (
    <p className={classes.words} data-soon={soon}>
      {endsIn(ending, now)}
    </p>
  );
}

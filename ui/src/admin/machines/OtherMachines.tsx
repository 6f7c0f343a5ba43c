import { Panel } from '@shared/components/Panel';
import type { FleetView, RegistryView } from '@shared/protocol';

import classes from '../cards.module.css';
import { LeaveFleet } from './LeaveFleet';
import { Members } from './Members';
import { Registry } from './Registry';
import { Trust } from './Trust';

type OtherMachinesProps = { registry: RegistryView; fleet: FleetView };

/** This machine among others: whom it works with, and where they meet. */
export function OtherMachines({ registry, fleet }: OtherMachinesProps) {
  const met = registry.state !== 'off';
  const trusts = fleet.role !== 'alone';
  return (
    <Panel aria-labelledby="machines">
      <h2 className={classes.title} id="machines">
        Other machines
      </h2>
      {fleet.trouble !== null && <p className={classes.words}>{fleet.trouble}</p>}
      {trusts && <Members fleet={fleet} />}
      {met && !trusts && <Trust />}
      {(trusts || fleet.trouble !== null) && <LeaveFleet role={fleet.role} />}
      <Registry registry={registry} />
    </Panel>
  );
}

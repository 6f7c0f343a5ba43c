import { Button } from '@mantine/core';
import { Confirm } from '@shared/components/Confirm';
import { Panel } from '@shared/components/Panel';
import type { FleetView, MachineView } from '@shared/protocol';
import { useState } from 'react';

import { usePanel } from '../context';
import { JoinCode, JoinForm } from './Joining';
import classes from './Machines.module.css';
import { machineWords } from './machineWords';

/** The machines that trust each other, and how one more comes to be among them. */
export function Machines({ fleet }: { fleet: FleetView }) {
  return (
    <Panel aria-labelledby="machines">
      <h2 className={classes.title} id="machines">
        Machines
      </h2>
      {fleet.trouble !== null && <p className={classes.words}>{fleet.trouble}</p>}
      {fleet.role === 'alone' ? <Alone /> : <Members fleet={fleet} />}
    </Panel>
  );
}

function Alone() {
  return (
    <>
      <p className={classes.words}>
        Machines that trust each other show and launch each other&rsquo;s instances. Make a code here and use
        it on the other machine, or the other way round.
      </p>
      <JoinCode />
      <JoinForm />
    </>
  );
}

function Members({ fleet }: { fleet: FleetView }) {
  const { commands } = usePanel();
  const [asked, setAsked] = useState<MachineView | null>(null);
  const founder = fleet.role === 'founder';
  const remove = (machine: MachineView) => {
    setAsked(null);
    void commands.send({ command: 'remove_machine', server_id: machine.server_id }, 'Not removed');
  };
  return (
    <>
      {fleet.machines.length === 0 ? (
        <p className={classes.words}>The other machines show here once the registry is reached.</p>
      ) : (
        <ul className={classes.machines}>
          {fleet.machines.map((machine) => (
            <li key={machine.server_id} className={classes.machine}>
              <span className={classes.name}>
                {machine.name}
                <span className={classes.state}>{machineWords(machine)}</span>
              </span>
              {founder && !machine.this_machine && (
                <Button variant="default" size="compact-sm" onClick={() => setAsked(machine)}>
                  Remove
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {founder ? (
        <JoinCode />
      ) : (
        <p className={classes.words}>Join codes are made on the machine that has founded the fleet.</p>
      )}
      <Confirm
        question={
          asked && {
            title: `Remove ${asked.name}?`,
            detail:
              'The others do not speak with it any more. What runs there runs on, and it may join again with a new code.',
            yes: 'Remove it',
          }
        }
        onYes={() => asked && remove(asked)}
        onNo={() => setAsked(null)}
      />
    </>
  );
}

import { Button } from '@mantine/core';
import { Confirm } from '@shared/components/Confirm';
import type { FleetView, MachineView } from '@shared/protocol';
import { useState } from 'react';

import classes from '../cards.module.css';
import { usePanel } from '../context';
import { JoinCode } from './Joining';
import { Lost } from './Lost';
import { machineWords } from './machineWords';

/** The machines that trust each other, and how one more comes to be among them. */
export function Members({ fleet }: { fleet: FleetView }) {
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
        <ul className={classes.rows}>
          {fleet.machines.map((machine) => (
            <li key={machine.server_id} className={classes.row}>
              <span className={classes.what}>
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
      <Lost list={fleet.lost} />
      {founder ? (
        <JoinCode />
      ) : (
        <p className={classes.words}>Join codes are made on the machine that has founded the fleet.</p>
      )}
      <Confirm
        question={
          asked && {
            title: `Remove ${asked.name}?`,
            detail: asked.alive ? LIVES : IS_LOST,
            yes: 'Remove it',
          }
        }
        onYes={() => asked && remove(asked)}
        onNo={() => setAsked(null)}
      />
    </>
  );
}

const LIVES =
  'The others do not speak with it any more. What runs there runs on, and it may join again with a new code.';
const IS_LOST =
  'It does not answer: it is forgotten, and what was lost with it cannot go on elsewhere any more. It may join again with a new code.';

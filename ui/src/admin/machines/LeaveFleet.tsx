import { Button } from '@mantine/core';
import { Confirm } from '@shared/components/Confirm';
import type { FleetRole } from '@shared/protocol';
import { useState } from 'react';

import { usePanel } from '../context';
import { leavingWords } from './machineWords';

export function LeaveFleet({ role }: { role: FleetRole }) {
  const { commands } = usePanel();
  const [asking, setAsking] = useState(false);
  const leave = () => {
    setAsking(false);
    void commands.send({ command: 'leave_fleet' }, 'This machine is still in the fleet');
  };
  const question = { title: 'Leave the fleet?', detail: leavingWords(role), yes: 'Leave it' };
  return (
    <>
      <Button variant="default" size="sm" mb="sm" onClick={() => setAsking(true)}>
        Leave the fleet
      </Button>
      <Confirm question={asking ? question : null} onYes={leave} onNo={() => setAsking(false)} />
    </>
  );
}

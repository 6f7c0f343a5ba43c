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
  // Who was removed has left it already.
  const leaving = role === 'alone' ? 'Forget the fleet' : 'Leave the fleet';
  const question = {
    title: `${leaving}?`,
    detail: leavingWords(role),
    yes: role === 'alone' ? 'Forget it' : 'Leave it',
  };
  return (
    <>
      <Button variant="default" size="sm" mb="md" onClick={() => setAsking(true)}>
        {leaving}
      </Button>
      <Confirm question={asking ? question : null} onYes={leave} onNo={() => setAsking(false)} />
    </>
  );
}

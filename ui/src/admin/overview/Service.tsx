import { Button, NativeSelect } from '@mantine/core';
import { Panel } from '@shared/components/Panel';
import type { NodeView } from '@shared/protocol';
import { useState } from 'react';

import classes from '../cards.module.css';
import { usePanel } from '../context';

/** When what still runs is ended, in seconds; none: when it ends by itself. */
const deadlines = [
  { label: 'What runs goes on until it ends', value: '' },
  { label: 'What runs is ended in 15 minutes', value: '900' },
  { label: 'What runs is ended in 1 hour', value: '3600' },
  { label: 'What runs is ended in 4 hours', value: '14400' },
];

/** Empties the machine before somebody works on it. */
export function Service({ node }: { node: NodeView }) {
  const { commands } = usePanel();
  const [deadline, setDeadline] = useState('');
  const draining = node.draining !== null;
  const drain = () =>
    void commands.send(
      { command: 'drain', ...(deadline !== '' && { within_s: Number(deadline) }) },
      'It is not emptied',
    );
  return (
    <Panel aria-labelledby="service">
      <h2 className={classes.title} id="service">
        Maintenance
      </h2>
      <p className={classes.words}>
        {draining
          ? 'The machine takes no launches, and stays so over a restart. Viewers have been told; what it shows is kept.'
          : 'Empty the machine before you work on it: nothing new is started, viewers are told, and what it shows is kept for them.'}
      </p>
      <div className={classes.together}>
        <NativeSelect
          aria-label="What runs"
          data={deadlines}
          value={deadline}
          onChange={(event) => setDeadline(event.currentTarget.value)}
        />
        <Button variant="default" onClick={drain}>
          {draining ? 'Change' : 'Empty it'}
        </Button>
        {draining && (
          <Button
            variant="default"
            onClick={() => void commands.send({ command: 'undrain' }, 'It still takes no launches')}
          >
            Take launches again
          </Button>
        )}
      </div>
    </Panel>
  );
}

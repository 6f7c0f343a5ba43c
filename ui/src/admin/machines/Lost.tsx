import { Button } from '@mantine/core';
import { useGoing } from '@shared/hooks/useGoing';
import type { LostView } from '@shared/protocol';

import classes from '../cards.module.css';
import { usePanel } from '../context';
import { lostWords } from './machineWords';

/** What ran on machines that do not answer any more. */
export function Lost({ list }: { list: LostView[] }) {
  if (list.length === 0) return null;
  return (
    <>
      <h3 className={classes.words}>Lost with their machines</h3>
      <ul className={classes.rows}>
        {list.map((lost) => (
          <li key={lost.instance_id} className={classes.row}>
            <span className={classes.what}>
              {lost.build_name}
              <span className={classes.state}>{lostWords(lost)}</span>
            </span>
            {lost.rescue !== null && <Continue lost={lost} />}
          </li>
        ))}
      </ul>
    </>
  );
}

function Continue({ lost }: { lost: LostView }) {
  const { commands } = usePanel();
  const { going, go } = useGoing(async () => {
    await commands.send({ command: 'continue', instance_id: lost.instance_id }, 'It does not go on');
  });
  return (
    <Button variant="default" size="compact-sm" loading={going} onClick={go}>
      {lost.rescue === 'resume' ? 'Continue elsewhere' : 'Start anew elsewhere'}
    </Button>
  );
}

import { Loader } from '@mantine/core';

import classes from './Waiting.module.css';

export function Waiting({ sentence }: { sentence: string | null }) {
  return (
    <div className={classes.waiting} role="status">
      <Loader color="lamp.4" size="sm" />
      <p>{sentence ?? 'Asking the node…'}</p>
    </div>
  );
}

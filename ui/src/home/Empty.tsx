import { IconTelescope } from '@tabler/icons-react';

import classes from './Empty.module.css';

export function Empty() {
  return (
    <div className={classes.empty}>
      <IconTelescope size={40} stroke={1.2} aria-hidden="true" />
      <p>
        Nothing of yours is running. Whatever you launch appears here, from any tab of this browser, until it
        is stopped.
      </p>
    </div>
  );
}

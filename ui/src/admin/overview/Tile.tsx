import { Panel } from '@shared/components/Panel';
import type { ReactNode } from 'react';

import classes from './Tile.module.css';

type TileProps = {
  label: string;
  value: string;
  detail: string;
  /** The chart or gauge below. */
  children: ReactNode;
};

/** One figure of the machine. */
export function Tile({ label, value, detail, children }: TileProps) {
  return (
    <Panel className={classes.tile} aria-label={label}>
      <h2 className={classes.label}>{label}</h2>
      <p className={classes.value}>{value}</p>
      <p className={classes.detail} title={detail}>
        {detail}
      </p>
      <div className={classes.chart}>{children}</div>
    </Panel>
  );
}

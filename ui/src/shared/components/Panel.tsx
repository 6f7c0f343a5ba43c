import { clsx } from './clsx';
import type { ComponentPropsWithoutRef } from 'react';

import classes from './Panel.module.css';

/** A quiet surface that holds things which belong together. */
export function Panel({ className, ...props }: ComponentPropsWithoutRef<'section'>) {
  return <section className={clsx(classes.panel, className)} {...props} />;
}

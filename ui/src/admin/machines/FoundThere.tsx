import type { RegistryFound } from '@shared/protocol';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';

import classes from './FoundThere.module.css';

/** What a look at the database has shown. */
export function FoundThere({ found, user }: { found: RegistryFound; user: string }) {
  const { version, encrypted, tables, tables_message, rights_message } = found;
  return (
    <ul className={classes.list} aria-label="What was found">
      <Line good={encrypted}>
        PostgreSQL {version} answers.{' '}
        {encrypted ? 'The way there is encrypted.' : 'The way there is not encrypted.'}
      </Line>
      <Line good={tables !== 'newer' && tables !== 'foreign'}>{tables_message}</Line>
      <Line good={rights_message === null}>
        {rights_message ?? `The user ${user} has all the rights that are needed.`}
      </Line>
    </ul>
  );
}

function Line({ good, children }: { good: boolean; children: ReactNode }) {
  const Icon = good ? IconCheck : IconAlertTriangle;
  return (
    <li className={classes.line} data-good={good}>
      <Icon size={18} stroke={1.8} className={classes.icon} aria-label={good ? 'Good' : 'Look at this'} />
      <span>{children}</span>
    </li>
  );
}

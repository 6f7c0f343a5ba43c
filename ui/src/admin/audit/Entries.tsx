import type { AuditEntry } from '@shared/protocol';

import classes from './Entries.module.css';
import { actor, instanceOf, moment, reading } from './words';

/** A table on a wide window; on a phone each entry stands by itself. */
export function Entries({ entries, filtered }: { entries: AuditEntry[]; filtered: boolean }) {
  if (entries.length === 0) {
    return (
      <p className={classes.empty}>
        {filtered ? 'No entry matches. Ask for fewer words.' : 'Nobody has changed anything yet.'}
      </p>
    );
  }
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">What</th>
          <th scope="col">Instance</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.id} data-outcome={entry.outcome}>
            <td className={classes.when}>
              <time dateTime={new Date(entry.at).toISOString()}>{moment(entry.at)}</time>
            </td>
            <td className={classes.who} title={entry.viewer_id ? `Viewer ${entry.viewer_id}` : undefined}>
              {actor(entry)}
            </td>
            <td>
              <span className={classes.what}>{reading(entry.what)}</span>
              {entry.outcome === 'refused' && <span className={classes.refused}>refused</span>}
              {entry.detail !== '' && <span className={classes.detail}>{entry.detail}</span>}
            </td>
            <td className={classes.instance} title={entry.instance_id ?? undefined}>
              {instanceOf(entry)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

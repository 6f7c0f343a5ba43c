import { Anchor } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Age } from '@shared/components/Age';
import { Panel } from '@shared/components/Panel';
import { bytes } from '@shared/format';
import { inWords } from '@shared/http';
import type { LogsOfInstance } from '@shared/protocol';
import { useEffect, useState } from 'react';

import { usePanel } from '../context';
import classes from './GoneLogs.module.css';

/** What instances that are gone left to read, the newest first. `living` changes when one has gone. */
export function GoneLogs({ living }: { living: string }) {
  const { backend } = usePanel();
  const [all, setAll] = useState<LogsOfInstance[]>([]);
  useEffect(() => {
    let over = false;
    // Without the list there is nothing to show here; that the node does not answer is said above.
    backend.logs().then(
      (logs) => !over && setAll(logs.filter((one) => one.ended !== null)),
      () => undefined,
    );
    return () => {
      over = true;
    };
  }, [backend, living]);
  if (all.length === 0) return null;
  const save = (id: string, name: string) =>
    void backend
      .saveLog(id, name)
      .catch((error: unknown) =>
        notifications.show({ color: 'red', title: 'It was not downloaded', message: inWords(error) }),
      );
  return (
    <section aria-labelledby="gone">
      <h2 id="gone" className={classes.title}>
        Logs of instances that are gone
      </h2>
      <Panel>
        <ul className={classes.list}>
          {all.map((one) => (
            <li key={one.instance_id}>
              <div className={classes.head}>
                <strong>{one.build_name}</strong>
                <span>{one.ended !== null && <Age since={one.ended} />}</span>
              </div>
              {one.message !== null && <p className={classes.words}>{one.message}</p>}
              <div className={classes.files}>
                {one.files.map((file) => (
                  <Anchor
                    key={file.name}
                    component="button"
                    type="button"
                    size="sm"
                    onClick={() => save(one.instance_id, file.name)}
                  >
                    {file.name} <small>{bytes(file.bytes)}</small>
                  </Anchor>
                ))}
              </div>
            </li>
          ))}
        </ul>
      </Panel>
    </section>
  );
}

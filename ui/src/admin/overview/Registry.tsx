import { notifications } from '@mantine/notifications';
import { Button } from '@mantine/core';
import { Age } from '@shared/components/Age';
import { Panel } from '@shared/components/Panel';
import { count } from '@shared/format';
import type { RegistryView } from '@shared/protocol';

import { usePanel } from '../context';
import classes from './cards.module.css';
import { canBeSetUp, registryWords } from './registryWords';

/** This machine among others: where they meet, how it stands, and since when. */
export function Registry({ registry }: { registry: RegistryView }) {
  return (
    <Panel aria-labelledby="registry">
      <h2 className={classes.title} id="registry">
        Other machines
      </h2>
      {registry.state === 'off' ? <Alone /> : <Joined registry={registry} />}
    </Panel>
  );
}

function Alone() {
  return (
    <p className={classes.reason}>
      This machine stands alone. Machines that name the same Postgres database in <code>registry.url</code> of
      their configuration work as one: any home page then launches on any of them.
    </p>
  );
}

function Joined({ registry }: { registry: RegistryView }) {
  const { commands } = usePanel();
  const setUp = async () => {
    const reply = await commands.send({ command: 'set_up_registry' }, 'The registry was not set up');
    if (reply?.result === 'registry_set_up') notifications.show({ color: 'green', message: reply.message });
  };
  return (
    <>
      <dl className={classes.list}>
        <dt>Registry</dt>
        <dd className={classes.path}>{registry.place}</dd>
        <dt>State</dt>
        <dd>{registryWords(registry)}</dd>
        {registry.state === 'up' && (
          <>
            <dt>Machines</dt>
            <dd>
              {count(registry.machines_alive, 'machine')} of {registry.machines} answer
            </dd>
          </>
        )}
        {registry.last_contact !== null && (
          <>
            <dt>Last contact</dt>
            <dd>
              <Age since={registry.last_contact} />
            </dd>
          </>
        )}
      </dl>
      {registry.message !== null && <p className={classes.reason}>{registry.message}</p>}
      {canBeSetUp(registry) && (
        <Button size="sm" variant="light" mt="sm" loading={commands.busy > 0} onClick={() => void setUp()}>
          Set up
        </Button>
      )}
    </>
  );
}

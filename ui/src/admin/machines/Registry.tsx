import { Button, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Age } from '@shared/components/Age';
import { Confirm } from '@shared/components/Confirm';
import type { RegistryView } from '@shared/protocol';
import { useState } from 'react';

import classes from '../cards.module.css';
import { usePanel } from '../context';
import { RegistryDialog } from './RegistryDialog';
import { canBeSetUp, registryWords } from './registryWords';

/** Where the machines meet, how it stands, and since when. */
export function Registry({ registry }: { registry: RegistryView }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      {registry.state === 'off' ? <Alone /> : <Joined registry={registry} />}
      <Group gap={8} mt="sm">
        {canBeSetUp(registry) && <SetUp />}
        {!registry.configured && (
          <Button variant="default" onClick={() => setAsking(true)}>
            {registry.address === null ? 'Join a registry' : 'Change'}
          </Button>
        )}
        {registry.address !== null && !registry.configured && <Leave />}
      </Group>
      {asking && <RegistryDialog known={registry.address} onClose={() => setAsking(false)} />}
    </>
  );
}

function Alone() {
  return (
    <p className={classes.words}>
      This machine stands alone. Machines that meet in the same Postgres database, the registry, work as one:
      each sees what the others run, and launches that find no place wait in one queue.
    </p>
  );
}

function Joined({ registry }: { registry: RegistryView }) {
  return (
    <>
      <dl className={classes.list}>
        <dt>Registry</dt>
        <dd className={classes.path}>{registry.place}</dd>
        <dt>State</dt>
        <dd>{registryWords(registry)}</dd>
        {registry.state === 'up' && registry.machines > 0 && (
          <>
            <dt>Machines</dt>
            <dd>
              {registry.machines_alive} of {registry.machines}{' '}
              {registry.machines_alive === 1 ? 'answers' : 'answer'}
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
      {registry.configured && (
        <p className={classes.reason}>
          The address stands in this machine&rsquo;s configuration (<code>registry.url</code>), and is changed
          there.
        </p>
      )}
    </>
  );
}

function SetUp() {
  const { commands } = usePanel();
  const setUp = async () => {
    const reply = await commands.send({ command: 'set_up_registry' }, 'The registry was not set up');
    if (reply?.result === 'registry_set_up') notifications.show({ color: 'green', message: reply.message });
  };
  return (
    <Button color="lamp.4" loading={commands.busy > 0} onClick={() => void setUp()}>
      Set up
    </Button>
  );
}

function Leave() {
  const { commands } = usePanel();
  const [asking, setAsking] = useState(false);
  const leave = () => {
    setAsking(false);
    void commands.send({ command: 'leave_registry' }, 'This machine is still in the registry');
  };
  return (
    <>
      <Button variant="default" onClick={() => setAsking(true)}>
        Leave
      </Button>
      <Confirm question={asking ? QUESTION : null} onYes={leave} onNo={() => setAsking(false)} />
    </>
  );
}

const QUESTION = {
  title: 'Leave the registry?',
  detail:
    'This machine stands alone then: the others are told, and its password for the database is forgotten. What runs here runs on.',
  yes: 'Leave',
};

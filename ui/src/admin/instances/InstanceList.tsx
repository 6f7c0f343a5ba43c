import { Confirm } from '@shared/components/Confirm';
import type { AdminInstance, NodeSnapshot } from '@shared/protocol';
import { useState } from 'react';

import { usePanel } from '../context';
import type { InstanceAction } from '../instanceActions';
import { InstanceCard } from './InstanceCard';
import classes from './InstanceList.module.css';
import { LogDrawer } from './LogDrawer';

type Asked = { action: 'stop' | 'restart'; one: AdminInstance };

const consequences = {
  stop: 'It ends for everybody who watches it, and what is not saved in it is lost.',
  restart:
    'It is closed and started again at the same address. Viewers keep their place; what is not saved in it is lost.',
};

export function InstanceList({ snapshot, detailed = false }: { snapshot: NodeSnapshot; detailed?: boolean }) {
  const { commands } = usePanel();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [logOf, setLogOf] = useState<string | null>(null);
  const { instances } = snapshot;

  const act = (action: InstanceAction, one: AdminInstance) => {
    const id = one.instance.instance_id;
    const alive = one.instance.state === 'ready';
    if (action === 'open') void commands.openStream(id);
    else if (action === 'remove')
      void commands.send({ command: 'remove', instance_id: id }, 'It was not removed');
    else if (action === 'restart' && !alive)
      void commands.send({ command: 'restart', instance_id: id }, 'It was not restarted');
    else setAsked({ action, one });
  };
  const confirmed = () => {
    if (!asked) return;
    setAsked(null);
    const failed = asked.action === 'stop' ? 'It was not stopped' : 'It was not restarted';
    void commands.send({ command: asked.action, instance_id: asked.one.instance.instance_id }, failed);
  };

  return (
    <section aria-label="Instances">
      {instances.length === 0 && (
        <p className={classes.empty}>
          No instance runs. Launch one here, or let a viewer launch one from the home page.
        </p>
      )}
      <ul className={classes.list}>
        {instances.map((one) => (
          <li key={one.instance.instance_id}>
            <InstanceCard
              one={one}
              detailed={detailed}
              onAction={(action) => act(action, one)}
              onLog={() => setLogOf(one.instance.instance_id)}
            />
          </li>
        ))}
      </ul>
      <LogDrawer
        one={instances.find((one) => one.instance.instance_id === logOf) ?? null}
        onClose={() => setLogOf(null)}
      />
      <Confirm
        question={
          asked && {
            title: `${asked.action === 'stop' ? 'Stop' : 'Restart'} ${asked.one.instance.build_name}?`,
            detail: consequences[asked.action],
            yes: asked.action === 'stop' ? 'Stop it' : 'Restart it',
          }
        }
        onYes={confirmed}
        onNo={() => setAsked(null)}
      />
    </section>
  );
}

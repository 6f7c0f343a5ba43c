import { Button } from '@mantine/core';
import type { InstanceState } from '@shared/protocol';
import {
  IconExternalLink,
  IconPlayerStop,
  IconRefresh,
  IconTerminal2,
  IconTrash,
  type Icon,
} from '@tabler/icons-react';

import { usePanel } from '../context';
import { actionWords, instanceActions, whyNot, type InstanceAction } from '../instanceActions';
import classes from './Actions.module.css';

const icons: Record<InstanceAction, Icon> = {
  open: IconExternalLink,
  stop: IconPlayerStop,
  restart: IconRefresh,
  remove: IconTrash,
};

type ActionsProps = {
  state: InstanceState;
  name: string;
  onAction: (action: InstanceAction) => void;
  onLog: () => void;
};

export function Actions({ state, name, onAction, onLog }: ActionsProps) {
  const { commands } = usePanel();
  return (
    <div className={classes.actions}>
      {(Object.keys(instanceActions) as InstanceAction[]).map((action) => {
        const Icon = icons[action];
        const why = whyNot(action, state);
        return (
          <Button
            key={action}
            size="xs"
            variant={action === 'open' ? 'filled' : 'default'}
            leftSection={<Icon size={15} stroke={1.7} />}
            disabled={why !== null || commands.busy > 0}
            title={why ?? undefined}
            aria-label={`${actionWords[action]}: ${name}`}
            onClick={() => onAction(action)}
          >
            {actionWords[action]}
          </Button>
        );
      })}
      <Button
        size="xs"
        variant="default"
        leftSection={<IconTerminal2 size={15} stroke={1.7} />}
        onClick={onLog}
      >
        Log
      </Button>
    </div>
  );
}

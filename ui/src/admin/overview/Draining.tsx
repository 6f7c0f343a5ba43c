import { Button } from '@mantine/core';
import { Note } from '@shared/components/Note';
import { useNow } from '@shared/hooks/useNow';
import type { NodeSnapshot } from '@shared/protocol';

import { usePanel } from '../context';
import { drainWords } from './drainWords';

/** On top of everything, while the machine is being emptied. */
export function Draining({ node, instances }: Pick<NodeSnapshot, 'node' | 'instances'>) {
  const { commands } = usePanel();
  const now = useNow();
  if (node.draining === null) return null;
  return (
    <Note
      tone="warn"
      action={
        <Button
          variant="default"
          size="sm"
          onClick={() => void commands.send({ command: 'undrain' }, 'It still takes no launches')}
        >
          Take launches again
        </Button>
      }
    >
      <strong>This machine is being emptied:</strong> it takes no launches.{' '}
      {drainWords(node.draining, instances, now)}
    </Note>
  );
}

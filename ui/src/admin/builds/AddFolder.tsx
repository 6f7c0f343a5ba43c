import { TextInput } from '@mantine/core';
import { useState } from 'react';

import { AddDialog } from './AddDialog';
import { splitCommand } from './words';

export function AddFolder({ onClose }: { onClose: () => void }) {
  const [dir, setDir] = useState('');
  const [args, setArgs] = useState('');
  const command = (env: Record<string, string>) =>
    dir.trim() === ''
      ? 'Which folder? The one that holds openspace.cfg.'
      : { command: 'add_build' as const, dir: dir.trim(), args: splitCommand(args), env };
  return (
    <AddDialog title="Add an OpenSpace folder" command={command} onClose={onClose}>
      <TextInput
        label="Folder on this machine"
        description="The one that holds openspace.cfg and bin/OpenSpace. It is never written to."
        placeholder="/opt/OpenSpace"
        spellCheck={false}
        data-autofocus
        value={dir}
        onChange={(event) => setDir(event.currentTarget.value)}
      />
      <TextInput
        label="Further arguments"
        spellCheck={false}
        value={args}
        onChange={(event) => setArgs(event.currentTarget.value)}
      />
    </AddDialog>
  );
}

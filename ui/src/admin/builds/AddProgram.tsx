import { TextInput } from '@mantine/core';
import { useState } from 'react';

import { AddDialog } from './AddDialog';
import { splitCommand } from './words';

export function AddProgram({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [run, setRun] = useState('');
  const [dir, setDir] = useState('');
  const command = (env: Record<string, string>) => {
    if (name.trim() === '') return 'What shall people read? Give it a name.';
    if (splitCommand(run).length === 0) return 'Which program? Give its command.';
    const wish = { command: 'add_program' as const, name: name.trim(), run: splitCommand(run), env };
    return dir.trim() === '' ? wish : { ...wish, working_dir: dir.trim() };
  };
  return (
    <AddDialog title="Add another program" command={command} onClose={onClose}>
      <TextInput
        label="Name"
        placeholder="Stellarium"
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label="Command and arguments"
        description="Any X11 program of this machine. Quotes keep blanks together."
        placeholder="/usr/bin/stellarium --full-screen no"
        spellCheck={false}
        value={run}
        onChange={(event) => setRun(event.currentTarget.value)}
      />
      <TextInput
        label="Working folder"
        spellCheck={false}
        value={dir}
        onChange={(event) => setDir(event.currentTarget.value)}
      />
    </AddDialog>
  );
}

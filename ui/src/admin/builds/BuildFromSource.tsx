import { Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';

import { AddDialog } from './AddDialog';
import { parseEnv } from './words';

export function BuildFromSource({ onClose }: { onClose: () => void }) {
  const [dir, setDir] = useState('');
  const [text, setText] = useState('');
  const command = () => {
    const options = parseEnv(text);
    if (dir.trim() === '') return 'Which sources? Give the folder that holds their CMakeLists.txt.';
    if (!options.ok) return options.problem;
    return { command: 'build_from_source' as const, dir: dir.trim(), options: options.env };
  };
  return (
    <AddDialog title="Build from source" verb="Build" command={command} onClose={onClose}>
      <TextInput
        label="Folder of the sources on this machine"
        description="A checkout with its submodules. It is configured, built and installed into a fresh folder; what can be launched now stays until that has come well."
        placeholder="/home/ann/OpenSpace"
        spellCheck={false}
        data-autofocus
        value={dir}
        onChange={(event) => setDir(event.currentTarget.value)}
      />
      <Textarea
        label="Options for CMake"
        description="One NAME=value a line."
        placeholder="OPENSPACE_MODULE_FIELDLINES=OFF"
        autosize
        minRows={2}
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
    </AddDialog>
  );
}

import { Button, Group } from '@mantine/core';
import { Confirm } from '@shared/components/Confirm';
import type { AdminBuild, FetchView, SourceBuildView } from '@shared/protocol';
import { IconFolderPlus, IconHammer, IconTerminal2 } from '@tabler/icons-react';
import { useState } from 'react';

import { usePanel } from '../context';
import { AddFolder } from './AddFolder';
import { AddProgram } from './AddProgram';
import { BuildCard } from './BuildCard';
import { BuildFromSource } from './BuildFromSource';
import classes from './Builds.module.css';
import { SourceBuild } from './SourceBuild';

type BuildsProps = { builds: AdminBuild[]; fetches: FetchView[]; sourceBuild: SourceBuildView | null };

export function Builds({ builds, fetches, sourceBuild }: BuildsProps) {
  const { commands } = usePanel();
  const [adding, setAdding] = useState<'folder' | 'program' | 'source' | null>(null);
  const [removing, setRemoving] = useState<AdminBuild | null>(null);
  const remove = () => {
    if (!removing) return;
    setRemoving(null);
    void commands.send({ command: 'remove_build', id: removing.build.id }, 'It was not removed');
  };
  return (
    <>
      <Group gap="sm">
        <Button
          variant="default"
          leftSection={<IconFolderPlus size={18} stroke={1.6} />}
          onClick={() => setAdding('folder')}
        >
          Add an OpenSpace folder
        </Button>
        <Button
          variant="default"
          leftSection={<IconTerminal2 size={18} stroke={1.6} />}
          onClick={() => setAdding('program')}
        >
          Add another program
        </Button>
        <Button
          variant="default"
          leftSection={<IconHammer size={18} stroke={1.6} />}
          onClick={() => setAdding('source')}
        >
          Build from source
        </Button>
      </Group>
      {sourceBuild !== null && <SourceBuild one={sourceBuild} />}
      <ul className={classes.list}>
        {builds.map((one) => (
          <li key={one.build.id}>
            <BuildCard
              one={one}
              fetches={fetches.filter(({ build }) => build === one.build.id)}
              onDefault={() =>
                void commands.send(
                  { command: 'set_default_build', id: one.build.id },
                  'The default was not changed',
                )
              }
              onRemove={() => setRemoving(one)}
            />
          </li>
        ))}
      </ul>
      {adding === 'folder' && <AddFolder onClose={() => setAdding(null)} />}
      {adding === 'source' && <BuildFromSource onClose={() => setAdding(null)} />}
      {adding === 'program' && <AddProgram onClose={() => setAdding(null)} />}
      <Confirm
        question={
          removing && {
            title: `Remove ${removing.build.name} from the list?`,
            detail: 'Nothing on the disk is touched, and instances of it run on. It can be added again.',
            yes: 'Remove it',
          }
        }
        onYes={remove}
        onNo={() => setRemoving(null)}
      />
    </>
  );
}

import { Button, Drawer, Menu, SegmentedControl, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { CopyButton } from '@shared/components/CopyButton';
import { bytes, count } from '@shared/format';
import { inWords } from '@shared/http';
import type { AdminInstance, LogFile } from '@shared/protocol';
import { IconDownload, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';

import { usePanel } from '../context';
import { LogLines } from '../LogLines';
import classes from './LogDrawer.module.css';
import { filtered, type Level } from './logLines';
import { useLog } from './useLog';

const surface = { backgroundColor: 'var(--surface)' };
const levelWords: { value: Level; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'warnings', label: 'Warnings' },
  { value: 'errors', label: 'Errors' },
];

/** What the program prints, as it comes. */
export function LogDrawer({ one, onClose }: { one: AdminInstance | null; onClose: () => void }) {
  const [level, setLevel] = useState<Level>('all');
  const [search, setSearch] = useState('');
  const [paused, setPaused] = useState(false);
  const id = one?.instance.instance_id ?? null;
  const { lines, live } = useLog(id, paused);
  // What was set for the program stands before what it said.
  const notes = (one?.log_tail ?? []).filter((line) => line.startsWith('» '));
  const all = [...notes, ...lines];
  const shown = filtered(all, level, search);
  return (
    <Drawer
      opened={one !== null}
      onClose={onClose}
      position="right"
      size="lg"
      styles={{ content: surface, header: surface }}
      title={`Log of ${one?.instance.build_name ?? ''}`}
    >
      <div className={classes.tools}>
        <SegmentedControl
          size="xs"
          aria-label="Level"
          data={levelWords}
          value={level}
          onChange={(value) => setLevel(value)}
        />
        <TextInput
          size="xs"
          className={classes.search}
          aria-label="Search the log"
          placeholder="Search"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Button
          size="xs"
          variant="default"
          leftSection={paused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
          onClick={() => setPaused(!paused)}
        >
          {paused ? 'Go on' : 'Pause'}
        </Button>
        {id !== null && <Files id={id} />}
      </div>
      <div className={classes.about}>
        <span>
          {shown.length === all.length
            ? count(all.length, 'line')
            : `${shown.length} of ${count(all.length, 'line')}`}
          {paused ? ', paused' : live ? ', live' : ''}
        </span>
        <CopyButton text={shown.join('\n')} label="Copy the log" />
      </div>
      <LogLines
        className={classes.lines}
        lines={shown}
        empty={all.length === 0 ? 'It has printed nothing yet.' : 'No line is like that.'}
      />
    </Drawer>
  );
}

/** What the instance has written so far, to be saved. */
function Files({ id }: { id: string }) {
  const { backend } = usePanel();
  const [files, setFiles] = useState<LogFile[] | null>(null);
  const told = (error: unknown) =>
    notifications.show({ color: 'red', title: 'It was not downloaded', message: inWords(error) });
  const open = () =>
    void backend
      .logs()
      .then((all) => setFiles(all.find((one) => one.instance_id === id)?.files ?? []))
      .catch(told);
  return (
    <Menu position="bottom-end" radius="md" shadow="md" onOpen={open}>
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={<IconDownload size={14} />}>
          Files
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {files?.length === 0 && <Menu.Label>It has written no file yet.</Menu.Label>}
        {files === null && <Menu.Label>Asking the node…</Menu.Label>}
        {files?.map((file) => (
          <Menu.Item
            key={file.name}
            rightSection={<span className={classes.size}>{bytes(file.bytes)}</span>}
            onClick={() => void backend.saveLog(id, file.name).catch(told)}
          >
            {file.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

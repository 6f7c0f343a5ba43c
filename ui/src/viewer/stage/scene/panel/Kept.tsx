import { ActionIcon, Button } from '@mantine/core';
import { bytes } from '@shared/format';
import { inWords } from '@shared/http';
import type { SavedFile } from '@shared/protocol';
import { IconDownload, IconPlayerPlayFilled } from '@tabler/icons-react';
import { useState } from 'react';

import { savedWords } from '../../../session/saved';
import type { Session } from '../../../session/session';
import classes from './Capture.module.css';
import { Said } from './Said';
import type { List } from './useList';

type Kind = 'screenshots' | 'recordings';

type KeptProps = List<SavedFile> & {
  title: string;
  kind: Kind;
  session: Session;
  /** What is said while there is none. */
  nothing: string;
  /** Can be played, or why not; nothing where that makes no sense. */
  play?: { obstacle: string | null } | null;
};

/** What the program has kept, to be fetched. */
export function Kept({ title, kind, session, list, problem, nothing, play }: KeptProps) {
  const said = problem ?? (list === null ? 'Looking…' : list.length === 0 ? nothing : null);
  return (
    <section className={classes.kept} aria-label={title} data-kept={kind}>
      <h3>{title}</h3>
      {said !== null && <Said>{said}</Said>}
      <ul>
        {list?.map((file) => (
          <li key={file.name} data-file={file.name}>
            <span className={classes.file}>
              <span>{savedWords(file.saved)}</span>
              <small>
                {file.name} · {bytes(file.bytes)}
              </small>
            </span>
            {play && (
              <Button
                size="compact-sm"
                radius="xl"
                variant="light"
                color="lamp"
                leftSection={<IconPlayerPlayFilled size={13} />}
                disabled={play.obstacle !== null}
                title={play.obstacle ?? undefined}
                aria-label={`Play ${file.name}`}
                onClick={() =>
                  session.send({ name: 'play_recording', args: { name: file.name, looped: false } })
                }
              >
                Play
              </Button>
            )}
            <Download session={session} kind={kind} name={file.name} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Download({ session, kind, name }: { session: Session; kind: Kind; name: string }) {
  const [busy, setBusy] = useState(false);
  const fetchIt = async () => {
    setBusy(true);
    try {
      hand(await session.kept(kind, name), name);
    } catch (error) {
      session.notice.emit(inWords(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <ActionIcon
      variant="default"
      radius="xl"
      loading={busy}
      aria-label={`Download ${name}`}
      title="Download"
      onClick={() => void fetchIt()}
    >
      <IconDownload size={16} stroke={1.7} />
    </ActionIcon>
  );
}

/** Some browsers begin a download only after the click is over. */
const LET_GO_MS = 60_000;

function hand(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), LET_GO_MS);
}

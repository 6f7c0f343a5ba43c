import { Button, Group, Select, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Note } from '@shared/components/Note';
import type { AuditKind } from '@shared/protocol';
import { IconDownload, IconRefresh } from '@tabler/icons-react';
import { useState } from 'react';

import { usePanel } from '../context';
import classes from './AuditLog.module.css';
import { Entries } from './Entries';
import { saveAs } from './saveAs';
import { useAudit } from './useAudit';
import { kinds } from './words';

const TYPING_MS = 300;

/** Who steered, launched, stopped and changed what on this machine, and when. */
export function AuditLog() {
  const { backend } = usePanel();
  const [typed, setTyped] = useState('');
  const [kind, setKind] = useState<AuditKind | null>(null);
  const [search] = useDebouncedValue(typed.trim(), TYPING_MS);
  const { entries, more, problem, older, again } = useAudit(backend, search, kind);
  const [failed, setFailed] = useState<string | null>(null);
  const download = async () => {
    const outcome = await saveAs('audit.jsonl', () =>
      backend.auditLines({ search, kind: kind ?? undefined }),
    );
    setFailed(outcome);
  };
  const said = problem ?? failed;
  return (
    <section aria-label="Audit log" className={classes.log}>
      <Group gap="sm" align="end">
        <TextInput
          type="search"
          aria-label="Search the audit log"
          placeholder="Search: a name, an instance, a word"
          value={typed}
          onChange={({ currentTarget }) => setTyped(currentTarget.value)}
          className={classes.search}
        />
        <Select
          aria-label="Kind of entry"
          placeholder="Everything"
          data={kinds}
          value={kind}
          onChange={(value) => setKind(value)}
          clearable
          className={classes.kind}
        />
        <Button variant="default" leftSection={<IconRefresh size={18} stroke={1.6} />} onClick={again}>
          Refresh
        </Button>
        <Button
          variant="default"
          leftSection={<IconDownload size={18} stroke={1.6} />}
          onClick={() => void download()}
        >
          Download as JSON lines
        </Button>
      </Group>
      {said !== null && <Note tone="warn">{said}</Note>}
      {entries !== null && <Entries entries={entries} filtered={search !== '' || kind !== null} />}
      {more && (
        <Button variant="default" onClick={older} className={classes.more}>
          Show older entries
        </Button>
      )}
    </section>
  );
}

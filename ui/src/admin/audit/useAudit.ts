import { inWords } from '@shared/http';
import type { AuditEntry, AuditKind, AuditPage } from '@shared/protocol';
import { useEffect, useState } from 'react';

import type { Backend } from '../backend/backend';

type Audit = {
  /** `null` until the first answer. */
  entries: AuditEntry[] | null;
  more: boolean;
  problem: string | null;
  older: () => void;
  again: () => void;
};

const nothing = { entries: null, more: false };

export function useAudit(backend: Backend, search: string, kind: AuditKind | null): Audit {
  const [page, setPage] = useState<{ entries: AuditEntry[] | null; more: boolean }>(nothing);
  const [problem, setProblem] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const filter = { search, kind: kind ?? undefined };

  useEffect(() => {
    let wanted = true;
    backend.audit({ search, kind: kind ?? undefined }).then(
      (answer) => {
        if (!wanted) return;
        setPage(answer);
        setProblem(null);
      },
      (error: unknown) => wanted && setProblem(inWords(error)),
    );
    return () => {
      wanted = false;
    };
  }, [backend, search, kind, round]);

  const append = ({ entries, more }: AuditPage) =>
    setPage((before) => ({ entries: [...(before.entries ?? []), ...entries], more }));
  return {
    ...page,
    problem,
    older: () => {
      const last = page.entries?.at(-1);
      if (last) backend.audit(filter, last.id).then(append, (error: unknown) => setProblem(inWords(error)));
    },
    again: () => setRound((n) => n + 1),
  };
}

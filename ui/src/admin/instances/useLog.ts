import { useEffect, useState } from 'react';

import { usePanel } from '../context';
import { LINES_KEPT } from './logLines';
import { plainText } from './plainText';

type Log = { of: string | null; lines: string[]; live: boolean };
const nothing: Log = { of: null, lines: [], live: false };

/** What an instance prints, as it comes. While paused, what came is kept back and shown when it goes on. */
export function useLog(id: string | null, paused: boolean): { lines: string[]; live: boolean } {
  const { backend } = usePanel();
  const [newest, setNewest] = useState<Log>(nothing);
  const [frozen, setFrozen] = useState<Log | null>(null);
  useEffect(() => {
    if (id === null) return undefined;
    return backend.followLog(id, {
      onUp: () => setNewest({ of: id, lines: [], live: true }),
      onLines: (lines) =>
        setNewest((log) => ({
          ...log,
          lines: [...log.lines, ...lines.map(plainText)].slice(-LINES_KEPT),
        })),
      onDown: () => setNewest((log) => ({ ...log, live: false })),
    });
  }, [backend, id]);
  if (paused && frozen === null) setFrozen(newest);
  if (!paused && frozen !== null) setFrozen(null);
  const shown = frozen ?? newest;
  return shown.of === id ? shown : nothing;
}

import { Drawer } from '@mantine/core';
import { CopyButton } from '@shared/components/CopyButton';
import type { AdminInstance } from '@shared/protocol';
import { useEffect, useRef } from 'react';

import classes from './LogDrawer.module.css';
import { plainText } from './plainText';

const surface = { backgroundColor: 'var(--surface)' };

/** The last lines that the program printed, following it while one reads the end. */
export function LogDrawer({ one, onClose }: { one: AdminInstance | null; onClose: () => void }) {
  const lines = (one?.log_tail ?? []).map(plainText);
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
        <span>The last {lines.length} lines that it printed.</span>
        <CopyButton text={lines.join('\n')} label="Copy the log" />
      </div>
      <Lines lines={lines} />
    </Drawer>
  );
}

function Lines({ lines }: { lines: string[] }) {
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <pre
      ref={box}
      className={classes.lines}
      tabIndex={0}
      aria-label="Log"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      {lines.length === 0 ? 'It has printed nothing yet.' : lines.join('\n')}
    </pre>
  );
}

import { clsx } from '@shared/components/clsx';
import { useEffect, useRef } from 'react';

import classes from './LogLines.module.css';

type LogLinesProps = { lines: string[]; empty: string; className?: string };

/** What a program printed, following it while one reads the end. */
export function LogLines({ lines, empty, className }: LogLinesProps) {
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <pre
      ref={box}
      className={clsx(classes.lines, className)}
      tabIndex={0}
      aria-label="Log"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      {lines.length === 0 ? empty : lines.join('\n')}
    </pre>
  );
}

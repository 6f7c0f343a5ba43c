import { Notifications } from '@mantine/notifications';
import { Note } from '@shared/components/Note';
import { useEffect, useEffectEvent, useReducer } from 'react';

import { AuditLog } from './audit/AuditLog';
import type { Backend } from './backend/backend';
import { Builds } from './builds/Builds';
import { Context } from './context';
import classes from './ControlPanel.module.css';
import { Heading } from './Heading';
import { Instances } from './instances/Instances';
import { Overview } from './overview/Overview';
import { initialPanel, panelStep } from './panelState';
import { Rail } from './Rail';
import { useCommands } from './useCommands';
import { useSection } from './useSection';
import { Waiting } from './Waiting';

type ControlPanelProps = { backend: Backend; onDenied?: (sentence: string) => void };

export function ControlPanel({ backend, onDenied }: ControlPanelProps) {
  const [state, dispatch] = useReducer(panelStep, initialPanel);
  const commands = useCommands(backend);
  const section = useSection();
  const denied = useEffectEvent((sentence: string) => onDenied?.(sentence));

  useEffect(
    () =>
      backend.watch({
        onSnapshot: (snapshot) => dispatch({ type: 'snapshot', snapshot }),
        onUp: () => dispatch({ type: 'up' }),
        onDown: () => dispatch({ type: 'down' }),
        onDenied: (sentence) => denied(sentence),
      }),
    [backend],
  );

  const { snapshot } = state;
  return (
    <Context value={{ backend, commands }}>
      <Notifications position="top-center" />
      <div className={classes.shell}>
        <Rail section={section} snapshot={snapshot} signOut={backend.signOut} />
        <main className={classes.main}>
          {state.link === 'down' && (
            <Note tone="warn">
              <strong>The node does not answer.</strong> What is shown may be old. It is tried again every few
              seconds.
            </Note>
          )}
          {snapshot === null ? (
            <Waiting sentence={null} />
          ) : (
            <>
              <Heading section={section} snapshot={snapshot} />
              {section === 'overview' && <Overview snapshot={snapshot} network={state.network} />}
              {section === 'instances' && <Instances snapshot={snapshot} />}
              {section === 'builds' && (
                <Builds
                  builds={snapshot.builds}
                  fetches={snapshot.fetches}
                  sourceBuild={snapshot.source_build}
                />
              )}
              {section === 'audit' && <AuditLog />}
            </>
          )}
        </main>
      </div>
    </Context>
  );
}

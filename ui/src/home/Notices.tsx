import { Button } from '@mantine/core';
import { Note } from '@shared/components/Note';
import { count } from '@shared/format';

import type { HomeState } from './live';

/** What stands between people and their instances, in sentences. */
export function Notices({ state, onDismiss }: { state: HomeState; onDismiss: () => void }) {
  return (
    <>
      {state.link === 'down' && (
        <Note tone="warn">
          <strong>The server does not answer.</strong>{' '}
          {state.problem ?? 'Programs that run are not harmed by this.'} It is tried again every few seconds.
        </Note>
      )}
      {state.link === 'up' && state.problem !== null && <Note tone="bad">{state.problem}</Note>}
      {state.servers.some((server) => server.this_machine && server.draining) && (
        <Note tone="info">
          <strong>This machine is taken out of service for a while.</strong> It starts nothing new. What runs
          goes on for now, and what it shows is kept, to go on with later.
        </Note>
      )}
      {state.lost > 0 && (
        <Note
          tone="warn"
          action={
            <Button variant="default" size="xs" onClick={onDismiss}>
              Understood
            </Button>
          }
        >
          <strong>The server no longer knew this browser,</strong> so a new session was begun.{' '}
          {count(state.lost, 'instance')} of the old one {state.lost === 1 ? 'is' : 'are'} not shown here any
          more; an administrator still sees {state.lost === 1 ? 'it' : 'them'} in the control panel.
        </Note>
      )}
    </>
  );
}

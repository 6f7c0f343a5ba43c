import { Suspense, useEffect, useState } from 'react';

import { phaseOf } from '../session/machine';
import { atLeast } from '../session/roles';
import type { Session } from '../session/session';
import { Bar } from './Bar';
import { Dialogs, type DialogName } from './Dialogs';
import { Flight } from './flight/Flight';
import { EndingNotice } from './EndingNotice';
import { Overlay } from './Overlay';
import { LazySceneBar } from './scene/lazy';
import { StatsOverlay } from './StatsOverlay';
import { Toast } from './Toast';
import { TroubleNotice } from './TroubleNotice';
import { useHasScene } from './useScene';
import { useSession } from './useSession';
import { useStageFocus } from './useStageFocus';
import { WatchHint } from './WatchHint';

export function Stage({ session }: { session: Session }) {
  const { state, media, quality, hearing } = useSession(session);
  const [stats, setStats] = useState(false);
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const [toast, setToast] = useState<string | null>(null);
  const live = phaseOf(state) === 'live';
  const hasScene = useHasScene(session);
  useStageFocus(session, live);

  useEffect(() => session.notice.on(setToast), [session]);

  const name = state.instance?.build_name;
  useEffect(() => {
    document.title = `${name ?? 'Stream'} · OpenSpace WebRTC`;
  }, [name]);

  return (
    <>
      <Overlay state={state} onAgain={() => session.again()} onRescue={() => session.rescue()} />
      {live && <WatchHint session={session} state={state} />}
      {live && <Flight session={session} state={state} />}
      {live && <TroubleNotice session={session} />}
      {stats && <StatsOverlay state={state} media={media} onReport={() => session.report()} />}
      {live && state.ending !== null && (
        <EndingNotice
          key={state.ending.nth}
          ending={state.ending.news}
          maySteer={atLeast(state.role, 'pilot')}
          onStay={() => session.stay()}
        />
      )}
      <Bar
        session={session}
        state={state}
        quality={quality}
        hearing={hearing}
        held={dialog !== null}
        stats={stats}
        onStats={() => setStats(!stats)}
        onDialog={setDialog}
      />
      {live && hasScene && (
        <Suspense fallback={null}>
          <LazySceneBar session={session} />
        </Suspense>
      )}
      <Dialogs
        session={session}
        state={state}
        open={dialog}
        onClose={() => setDialog(null)}
        onProblem={setToast}
      />
      <Toast text={toast} onOver={() => setToast(null)} />
    </>
  );
}

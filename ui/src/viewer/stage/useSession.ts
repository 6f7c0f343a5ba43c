import { useSyncExternalStore } from 'react';

import type { Session, View } from '../session/session';

export function useSession(session: Session): View {
  return useSyncExternalStore(session.subscribe, session.snapshot);
}

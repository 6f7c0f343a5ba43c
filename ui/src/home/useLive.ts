import { useSyncExternalStore } from 'react';

import type { HomeState, Live } from './live';

export function useLive(live: Live): HomeState {
  return useSyncExternalStore(live.subscribe, live.state);
}

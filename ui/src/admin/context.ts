import { createContext, use } from 'react';

import type { Backend } from './backend/backend';
import type { Commands } from './useCommands';

export type PanelContext = { backend: Backend; commands: Commands };

export const Context = createContext<PanelContext | null>(null);

export function usePanel(): PanelContext {
  const context = use(Context);
  if (!context) throw new Error('usePanel is called outside of the control panel');
  return context;
}

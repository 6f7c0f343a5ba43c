import { Page } from '@shared/theme/Page';
import { createRoot } from 'react-dom/client';

import type { Session } from '../session/session';
import { Stage } from './Stage';

export function mount(session: Session): void {
  const root = document.getElementById('root');
  if (!root) return;
  createRoot(root).render(
    <Page scheme="dark">
      <Stage session={session} />
    </Page>,
  );
}

import '@shared/theme/forms';
import '@mantine/core/styles/Drawer.css';
import '@mantine/core/styles/Progress.css';

import { Page } from '@shared/theme/Page';
import { createRoot } from 'react-dom/client';

import { Entrance } from './Entrance';

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <Page>
      <Entrance />
    </Page>,
  );
}

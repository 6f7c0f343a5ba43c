import '@shared/theme/forms';

import { Page } from '@shared/theme/Page';
import { createRoot } from 'react-dom/client';

import { Home } from './Home';
import { LaunchPage } from './LaunchPage';
import { Live } from './live';

const live = new Live();
live.start();

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <Page>
      {/^\/launch\/?$/.test(window.location.pathname) ? <LaunchPage live={live} /> : <Home live={live} />}
    </Page>,
  );
}

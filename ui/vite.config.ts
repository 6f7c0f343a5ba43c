import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The addresses that the node serves, for the development server. */
const pages: [RegExp, string][] = [
  [/^\/stream\/[^/?#]+/, '/viewer.html'],
  [/^\/launch\/?(?=[?#]|$)/, '/index.html'],
  [/^\/admin\/?(?=[?#]|$)/, '/admin.html'],
];

const pageAddresses: Plugin = {
  name: 'page-addresses',
  configureServer(server) {
    server.middlewares.use((request, _response, next) => {
      const page = pages.find(([address]) => address.test(request.url ?? ''));
      if (page) request.url = page[1];
      next();
    });
  },
};

/** Where `npm run dev` finds a node. */
const node = process.env.OPENSPACE_WEBRTC_NODE ?? 'http://127.0.0.1:3000';

export default defineConfig({
  plugins: [react(), pageAddresses],
  resolve: { alias: { '@shared': here('src/shared') } },
  build: {
    // Files stay files: the pages' content policy then needs no `data:`.
    assetsInlineLimit: 0,
    rollupOptions: {
      input: {
        home: here('index.html'),
        viewer: here('viewer.html'),
        admin: here('admin.html'),
        missing: here('404.html'),
      },
    },
  },
  server: { proxy: { '/api': { target: node, ws: true } } },
});

// A node that is not there: serves the built pages and speaks the API with plausible figures, so that the pages can be
// looked at in every state. `npm run build && npm run mock`, then open the address it prints.
//
// Scenes are chosen by the query of the page's first request or by POST /mock/scene:
//   busy (default) · empty · gpu · full · broken · slow
// The streams are drawn by a second page, /mock/source, which must be open in a browser somewhere.

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { WebSocketServer } from 'ws';

import { scenes } from './scenes.mjs';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

let scene = scenes.busy();
let source = null;
const streams = new Set();
const viewers = new Map();

const problem = (response, status, title, detail) =>
  json(response, status, { type: 'about:blank', title, status, detail });

function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

function follow(response, name, make) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const send = () => response.write(`event: ${name}\ndata: ${JSON.stringify(make())}\n\n`);
  send();
  const stream = { name, send, response };
  streams.add(stream);
  response.on('close', () => streams.delete(stream));
}

const tell = (name) => [...streams].filter((one) => one.name === name).forEach((one) => one.send());
const instancesEvent = () => ({ type: 'instances', list: scene.instances.map((one) => one.instance) });

setInterval(() => {
  scene.tick();
  tell('snapshot');
}, 1_000);

const routes = [
  ['POST', /^\/api\/v1\/sessions$/, (_, response) => json(response, 201, { session_id: 'S'.repeat(43) })],
  ['GET', /^\/api\/v1\/events$/, (_, response) => follow(response, 'instances', instancesEvent)],
  [
    'GET',
    /^\/api\/v1\/builds$/,
    (_, response) =>
      json(
        response,
        200,
        scene.snapshot().builds.map((one) => one.build),
      ),
  ],
  ['GET', /^\/api\/v1\/profiles$/, (_, response) => json(response, 200, scene.profiles)],
  ['GET', /^\/api\/v1\/servers$/, (_, response) => json(response, 200, scene.servers())],
  ['GET', /^\/api\/v1\/admin\/snapshot$/, (_, response) => json(response, 200, scene.snapshot())],
  [
    'GET',
    /^\/api\/v1\/admin\/events$/,
    (_, response) => follow(response, 'snapshot', () => scene.snapshot()),
  ],
  [
    'GET',
    /^\/api\/v1\/admin\/instances\/([^/]+)\/log$/,
    (_, response, id) => follow(response, 'lines', () => scene.log(id)),
  ],
  ['GET', /^\/api\/v1\/admin\/logs$/, (_, response) => json(response, 200, scene.logs())],
  [
    'GET',
    /^\/api\/v1\/admin\/logs\/[^/]+\/[^/]+$/,
    (_, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      response.end('a log');
    },
  ],
  ['GET', /^\/api\/v1\/admin\/audit$/, (_, response) => json(response, 200, { entries: [], more: false })],
  ['POST', /^\/api\/v1\/admin\/commands$/, command],
  ['POST', /^\/api\/v1\/instances$/, launch],
  ['GET', /^\/api\/v1\/instances\/([^/]+)\/thumbnail\.jpg$/, thumbnail],
  [
    'POST',
    /^\/api\/v1\/instances\/([^/]+)\/invites$/,
    (_, response, id) => json(response, 201, { url: `/stream/${id}#invite=${'I'.repeat(43)}` }),
  ],
  [
    'DELETE',
    /^\/api\/v1\/instances\/([^/]+)$/,
    (_, response, id) => {
      scene.set(id, { state: 'stopping' });
      tell('instances');
      json(response, 202, {});
    },
  ],
  [
    'POST',
    /^\/mock\/scene$/,
    async (request, response) => {
      const { name, news } = JSON.parse(await body(request));
      if (name) scene = scenes[name]();
      if (news) viewers.forEach((viewer) => viewer.send(JSON.stringify(news)));
      tell('instances');
      tell('snapshot');
      json(response, 200, {});
    },
  ],
];

async function body(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return text;
}

async function launch(_request, response) {
  if (scene.servers()[0].slots_free === 0) {
    problem(
      response,
      503,
      'No room',
      'All places of this machine are taken. Stop an instance, or wait until one ends.',
    );
    return;
  }
  const one = scene.add(randomUUID());
  tell('instances');
  json(response, 202, { instance_id: one.instance_id, url: one.url, state: one.state });
}

async function command(request, response) {
  const wish = JSON.parse(await body(request));
  if (wish.command === 'add_build') {
    problem(
      response,
      422,
      'Not a build',
      `${wish.dir} holds no openspace.cfg: give the folder that contains it and bin/OpenSpace.`,
    );
    return;
  }
  if (wish.command === 'launch') scene.add(randomUUID());
  if (wish.command === 'stop') scene.set(wish.instance_id, { state: 'stopping' });
  if (wish.command === 'remove')
    scene.instances = scene.instances.filter((one) => one.instance.instance_id !== wish.instance_id);
  tell('snapshot');
  json(response, 200, { result: 'done' });
}

async function thumbnail(_request, response) {
  const picture = await readFile(process.env.MOCK_THUMBNAIL ?? join(HERE, 'thumbnail.jpg')).catch(() => null);
  if (!picture) return problem(response, 404, 'No picture', 'There is no picture yet.');
  response.writeHead(200, { 'content-type': 'image/jpeg' });
  response.end(picture);
}

async function page(path, response) {
  const file =
    path === '/' || path === '/launch'
      ? 'index.html'
      : path === '/admin'
        ? 'admin.html'
        : path.startsWith('/stream/')
          ? 'viewer.html'
          : path.startsWith('/assets/')
            ? path.slice(1)
            : '404.html';
  const drawing = { '/mock/source': 'source.html', '/mock/sky.mjs': 'sky.mjs' }[path];
  const from = drawing ? join(HERE, drawing) : join(DIST, normalize(file));
  const content = await readFile(from).catch(() => readFile(join(DIST, '404.html')));
  response.writeHead(file === '404.html' && !drawing ? 404 : 200, {
    'content-type': TYPES[extname(from)] ?? 'application/octet-stream',
  });
  response.end(content);
}

const server = createServer(async (request, response) => {
  const path = new URL(request.url, 'http://mock').pathname;
  const route = routes.find(([method, pattern]) => method === request.method && pattern.test(path));
  if (path.startsWith('/api/') && scene.broken) return response.destroy();
  if (path.startsWith('/api/') && scene.unauthorized && path !== '/api/v1/sessions') {
    return problem(
      response,
      401,
      'Not known here',
      'This token is not known here, or it was revoked. Make a new one.',
    );
  }
  if (!route)
    return path.startsWith('/api/')
      ? problem(response, 404, 'Not here', 'There is no such thing.')
      : page(path, response);
  return route[2](request, response, route[1].exec(path)[1]);
});

// ---- signaling: relays between viewers and the page that draws ----

const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (ws) =>
    request.url === '/mock/source-socket' ? attachSource(ws) : attachViewer(ws, request.url.split('/')[4]),
  );
});

function attachSource(ws) {
  source = ws;
  ws.on('message', (text) => {
    const { viewer, ...message } = JSON.parse(text);
    viewers.get(viewer)?.send(JSON.stringify(message));
  });
}

function attachViewer(ws, instance) {
  let id = null;
  const say = (message) => ws.send(JSON.stringify(message));
  ws.on('message', (text) => {
    const message = JSON.parse(text);
    if (message.type === 'ping') return say({ type: 'pong' });
    if (message.type === 'control')
      return say({ type: 'control', holder: message.action === 'release' ? null : id });
    if (message.type !== 'hello') return source?.send(JSON.stringify({ viewer: id, ...message }));
    const news = scene.newsOf(instance);
    if (!news) {
      say({
        type: 'refused',
        reason: 'not_found',
        message: 'There is no such instance, or it is not yours. Ask its owner for an invitation.',
        retry_after_s: null,
      });
      return ws.close();
    }
    const resumed = message.viewer_id !== undefined && message.viewer_id === id;
    id = message.viewer_id ?? randomUUID();
    viewers.set(id, ws);
    say({ type: 'welcome', viewer_id: id, role: scene.role ?? 'owner', ice_servers: [], instance: news });
    const others = [...viewers.keys()]
      .filter((one) => one !== id)
      .map((viewer_id) => ({ viewer_id, role: 'watcher' }));
    say({ type: 'viewers', list: [{ viewer_id: id, role: scene.role ?? 'owner' }, ...others] });
    say({ type: 'control', holder: scene.role === 'watcher' ? randomUUID() : id });
    if (!resumed && news.state === 'ready') source?.send(JSON.stringify({ viewer: id, type: 'join' }));
  });
  ws.on('close', () => id && viewers.delete(id));
}

server.listen(Number(process.env.PORT ?? 5180), '127.0.0.1', () => {
  const { port } = server.address();
  console.log(`http://127.0.0.1:${port}/   drawing: http://127.0.0.1:${port}/mock/source`);
});

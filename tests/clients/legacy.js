// What: drives the demo renderer with the real npm package openspace-api-js 0.1.6, the client of the LEGACY API generation
//       (OpenSpace up to 0.21 and the streaming fork). It sends no handshake.
// Run:  tests/clients/install.sh, then `node legacy.js TCP_PORT WEBSOCKET_PORT` against a demo in its legacy layout.
//       cargo nextest run -p openspace-webrtc-demo does both the launch and this.
// Exit: 0 when everything was answered as expected; otherwise the first difference is printed.
//
// The package has two transports: in Node it speaks TCP (a line is a message), in browsers WebSocket. Both are used here.
'use strict';
const assert = require('node:assert/strict');
const overTcp = require('openspace-api-js');
const Api = require('openspace-api-js/src/api');
const BrowserSocket = require('openspace-api-js/src/websocket');
globalThis.WebSocket = require('ws');

const ANCHOR = 'NavigationHandler.OrbitalNavigator.Anchor';
const [tcpPort, webSocketPort] = process.argv.slice(2).map(Number);

function connected(api) {
  return new Promise((resolve, reject) => {
    api.onConnect(() => resolve(api));
    api.onDisconnect(() => reject(new Error('the demo closed the connection')));
    api.connect();
  });
}

async function first(topic) {
  return (await topic.iterator().next()).value;
}

async function story(api, name) {
  assert.deepEqual(await api.authenticate(''), ['status', 'authorized'], name);

  const version = await first(api.startTopic('version', {}));
  assert.equal(version.openSpaceVersion.minor, 21);

  assert.equal((await api.getProperty(ANCHOR)).value, 'Saturn');
  const topic = api.subscribeToProperty(ANCHOR);
  assert.deepEqual(await first(topic), { value: 'Saturn' });

  const openspace = await api.singleReturnLibrary();
  assert.equal(await openspace.hasProperty(ANCHOR), true);
  await openspace.time.setPause(true);
  assert.equal(await openspace.time.isPaused(), true);
  await openspace.time.setTime('2030-05-06T07:08:09');
  assert.equal(await openspace.time.UTC(), '2030-05-06T07:08:09.000');
  assert.ok(Object.values(await openspace.sceneGraphNodes()).includes('Saturn'));
  const state = await openspace.navigation.getNavigationState();
  assert.deepEqual([state.Anchor, state.Position.length, state.Up.length], ['Saturn', 3, 3]);

  api.setProperty(ANCHOR, 'Mars');
  assert.deepEqual(await api.executeLuaScript(`return openspace.propertyValue('${ANCHOR}')`), { 1: 'Mars' });
  api.setProperty(ANCHOR, 'Saturn');
  assert.deepEqual(await api.executeLuaScript('return this is not lua'), {});
  assert.deepEqual(await first(api.startTopic('bounce', { ping: 1 })), { ping: 1 });
  topic.cancel();
}

async function main() {
  await story(await connected(overTcp('127.0.0.1', tcpPort)), 'TCP');
  await story(await connected(new Api(new BrowserSocket('127.0.0.1', webSocketPort))), 'WebSocket');
}

// The package cannot close its TCP connection (it calls a method that sockets do not have), so the process ends by itself.
setTimeout(() => { console.error('no answer within 30 s'); process.exit(1); }, 30000).unref();
main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });

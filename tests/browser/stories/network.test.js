// Networks break: the path of the picture, and the signaling socket beside it. The picture goes on where it can, and comes back where
// it could not.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import {
  TestNode,
  frame,
  framesRise,
  installReader,
  keepPeers,
  launch,
  launchBrowser,
  person,
  pictureReport,
  until,
  untilIs,
  untilPhase,
} from '../harness.js'
import { Door } from '../rig/door.js'
import { Shaper } from '../rig/shaped.js'

let node
let door
let shaper
let browser

before(async () => {
  node = await TestNode.start({ env: { OPENSPACE_DEMO_BARCODE: '1' } })
  door = await Door.before(node.ports.http)
  shaper = await Shaper.start(node.ports.media, 'mobile')
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  shaper?.close()
  door?.close()
  await node?.close()
})

async function watching() {
  const viewer = await person(browser)
  await viewer.page.addInitScript(shaper.reroute)
  await viewer.page.addInitScript(keepPeers)
  const id = await launch(viewer.page, door.url)
  await installReader(viewer.page)
  await framesRise(viewer.page)
  return { ...viewer, id }
}

const leave = async ({ id, context }) => {
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
}

const later = (page, last) => async () => {
  const seen = await frame(page)
  return seen && seen.frame > last ? seen : undefined
}

test('on a mobile network the stream flows, and after a tunnel it goes on by itself', async () => {
  const viewer = await watching()
  const { page } = viewer
  await until('the picture through the shaped network', async () => (await shaper.counts()).down.passed > 100)
  await shaper.profile('dead')
  const last = (await until('a last frame', () => frame(page))).frame
  await until('the tunnel to be noticed', async () => (await shaper.counts()).down.lost > 50)
  await shaper.profile('mobile')
  await until('frames of after the tunnel', later(page, last + 30))
  await untilPhase(page, 'live')
  await leave(viewer)
})

test('on a long way that loses packets, repair packets come along, fewer than there are of the picture', async () => {
  const viewer = await watching()
  const { page } = viewer
  await until('repair packets for several seconds of frames', async () => (await pictureReport(page)).fecPacketsReceived > 150)
  const { packetsReceived: all, fecPacketsReceived: repair } = await pictureReport(page)
  assert.ok(repair < all / 2, `${repair} of ${all} packets`)
  await framesRise(page)
  await leave(viewer)
})

test('the picture goes on while the signaling socket is gone, and the same viewer takes it up again', async () => {
  const viewer = await watching()
  const { page } = viewer
  const peers = () => page.evaluate(() => window.openspaceStream.stats().viewers)
  await untilIs('one viewer', peers, 1)
  door.shut(true)
  await untilPhase(page, 'reconnecting')
  const last = (await until('a frame', () => frame(page))).frame
  await until('frames without a socket', later(page, last + 60))
  door.shut(false)
  await untilPhase(page, 'live')
  await untilIs('nobody in its place', peers, 1)
  await framesRise(page)
  await leave(viewer)
})

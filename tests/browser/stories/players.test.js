// Who else can watch: players that speak WHEP, and browsers that lack the codec that everybody else gets.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { TestNode, framesRise, installReader, invite, launch, launchBrowser, person, until, untilIs, untilPhase } from '../harness.js'

const run = promisify(execFile)
const clients = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../clients')

let node
let browser

before(async () => {
  node = await TestNode.start({ env: { OPENSPACE_DEMO_BARCODE: '1' } })
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await node?.close()
})

async function owner() {
  const viewer = await person(browser)
  const id = await launch(viewer.page, node.url)
  await installReader(viewer.page)
  return { ...viewer, id }
}

/** A player as small as can be, in a page that is not ours but for its address. `window.player` has what it was told. */
function play([id, token]) {
  const connection = new RTCPeerConnection()
  connection.addTransceiver('audio', { direction: 'recvonly' })
  connection.addTransceiver('video', { direction: 'recvonly' })
  const video = Object.assign(document.createElement('video'), { id: 'stream', muted: true, autoplay: true })
  document.body.replaceChildren(video)
  connection.addEventListener('track', ({ track }) => {
    if (track.kind === 'video') video.srcObject = new MediaStream([track])
  })
  return (async () => {
    await connection.setLocalDescription()
    const response = await fetch(`/whep/${id}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/sdp' },
      body: connection.localDescription.sdp,
    })
    if (response.status !== 201) return { status: response.status, ...(await response.json()) }
    window.player = { connection, at: response.headers.get('location') }
    await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() })
    return { status: 201 }
  })()
}

const instance = async (id) =>
  (await node.admin('GET', '/admin/snapshot')).instances.find((row) => row.instance.instance_id === id)

test('a player that speaks WHEP watches by an invitation, is seen as a watcher, and leaves', async () => {
  const { page, context, id } = await owner()
  const token = new URL(await invite(page, id, 'watcher')).hash.replace('#invite=', '')
  const player = await person(browser)
  await player.page.goto(node.url)
  assert.deepEqual(await player.page.evaluate(play, [id, token]), { status: 201 })
  await installReader(player.page)
  await framesRise(player.page)

  await until('its way to be known', async () => {
    const [viewer, ...others] = (await instance(id)).viewers.filter((viewer) => viewer.role === 'watcher')
    assert.deepEqual([viewer.in_control, others.length], [false, 0])
    return viewer.connected && viewer.rtt_ms !== null && viewer.rendition.codec === 'h264'
  })

  const left = await player.page.evaluate(
    ([token]) => fetch(window.player.at, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } }).then((answer) => answer.status),
    [token],
  )
  assert.equal(left, 200)
  await until('one viewer less', async () => (await instance(id)).viewers.length === 1)
  await until('the player to be told', () => player.page.evaluate(() => ['closed', 'failed', 'disconnected'].includes(window.player.connection.connectionState)))

  assert.deepEqual(await player.page.evaluate(play, [id, token]), { status: 201 })
  await until('it to be back', async () => (await instance(id)).viewers.length === 2)
  await player.context.close()
  await until('one that went without a word to be gone', async () => (await instance(id)).viewers.length === 1)

  const stranger = await page.evaluate(play, [id, 'A'.repeat(43)])
  assert.equal(stranger.status, 401)
  assert.match(stranger.detail, /no session, no invitation/)
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})

test('a player that nobody here wrote decodes the pictures over WHEP', async () => {
  const { page, context, id } = await owner()
  const token = new URL(await invite(page, id, 'watcher')).hash.replace('#invite=', '')
  const { stdout } = await run(path.join(clients, 'venv/bin/python'), [path.join(clients, 'whep.py'), `${node.url}/whep/${id}`, token, '60'])
  const seen = stdout.trim().split('\n').map((line) => JSON.parse(line))
  assert.equal(seen.length, 60)
  for (const [i, { width, height, frame }] of seen.entries()) {
    // On a busy machine the picture may be a smaller one for a while.
    assert.ok(width <= 1280 && Math.abs(width / height - 16 / 9) < 0.02, `${width} × ${height}`)
    assert.ok(i === 0 || frame >= seen[i - 1].frame, 'pictures in their order')
  }
  assert.ok(seen.at(-1).frame - seen[0].frame >= 30, 'a moving picture')
  await until('one viewer less', async () => (await instance(id)).viewers.length === 1)

  const stranger = await run(path.join(clients, 'venv/bin/python'), [path.join(clients, 'whep.py'), `${node.url}/whep/${id}`, 'A'.repeat(43), '1']).catch((error) => error)
  assert.match(stranger.stderr, /HTTP Error 401/)
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})

/** A browser without H.264, such as Firefox where its plugin was not fetched. */
function withoutH264() {
  const plain = RTCPeerConnection.prototype.setRemoteDescription
  RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
    await plain.call(this, description)
    const others = RTCRtpReceiver.getCapabilities('video').codecs.filter((codec) => !/h264/i.test(codec.mimeType))
    for (const transceiver of this.getTransceivers().filter((one) => one.receiver.track.kind === 'video')) {
      transceiver.setCodecPreferences(others)
    }
  }
}

test('a browser without H.264 gets VP8 beside the others, from an encode that runs only while it watches', async () => {
  const { page, context, id } = await owner()
  await framesRise(page)
  const codecs = async () => [...new Set((await instance(id)).renditions.map((one) => one.rendition.codec))].sort()
  await untilIs('one codec for everybody', codecs, ['h264'])

  const watcher = await person(browser)
  await watcher.page.addInitScript(withoutH264)
  await watcher.page.goto(await invite(page, id, 'watcher'))
  await untilPhase(watcher.page, 'live')
  await installReader(watcher.page)
  await framesRise(watcher.page)
  await framesRise(page)
  const shown = await until('the codec', () => watcher.page.evaluate(() => window.openspaceStream.stats().codec))
  assert.match(shown, /vp8/i)
  assert.match(await until('the codec', () => page.evaluate(() => window.openspaceStream.stats().codec)), /h264/i)
  await untilIs('both codecs', codecs, ['h264', 'vp8'])

  await watcher.context.close()
  await until('its encode to end', async () => (await codecs()).length === 1)
  assert.deepEqual(watcher.problems, [])
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})

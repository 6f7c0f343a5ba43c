// The camera is flown by fingers and gamepads, and comes to rest whatever becomes of who flies it.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'

import { TestNode, frame, installReader, invite, launch, launchBrowser, launchBuild, listenToScene, person, programs, until, untilPhase } from '../harness.js'

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

async function launched() {
  const viewer = await visitor()
  const id = await launch(viewer.page, node.url)
  await ready(viewer.page)
  return { ...viewer, id }
}

async function launchedOf(build) {
  const viewer = await visitor()
  const id = await launchBuild(viewer.page, node.url, build)
  await untilPhase(viewer.page, 'live')
  return { ...viewer, id }
}

async function visitor() {
  const viewer = await person(browser, { hasTouch: true })
  await viewer.context.addInitScript(listenToScene)
  await viewer.context.addInitScript(keepHand)
  return viewer
}

/** For `addInitScript`: the channel of the hand, to say what our page would never say. */
function keepHand() {
  const Plain = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Plain {
    constructor(...options) {
      super(...options)
      this.addEventListener('datachannel', ({ channel }) => {
        if (channel.label === 'pointer') window.hand = channel
      })
    }
  }
}

/** Says it for half a second, newer than whatever the page itself has said. */
function insist(page, velocities) {
  return page.evaluate(async (velocities) => {
    window.seq ??= 1e6
    for (let time = 0; time < 10; time += 1) {
      window.seq += 1
      window.hand.send(`{"type":"fly","seq":${window.seq},"velocities":${velocities}}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }, velocities)
}

async function invited(owner, id, role) {
  const viewer = await visitor()
  await viewer.page.goto(await invite(owner.page, id, role))
  await ready(viewer.page)
  return viewer
}

async function ready(page) {
  await untilPhase(page, 'live')
  await until('the place of the camera', async () => (await camera(page)) !== undefined)
}

const told = (page) => page.evaluate(() => window.told)
const camera = async (page) => (await told(page))?.camera

/** Fingers as the browser itself makes them: places in pixels. */
async function fingersOf(page) {
  const devtools = await page.context().newCDPSession(page)
  const send = (type, places) =>
    devtools.send('Input.dispatchTouchEvent', { type, touchPoints: places.map(([x, y], id) => ({ x, y, id })) })
  return {
    down: (...places) => send('touchStart', places),
    move: (...places) => send('touchMove', places),
    up: () => send('touchEnd', []),
  }
}

/** It goes on while nobody says anything new: three states, each further than the one before. */
async function moves(page, what, of) {
  let last = of(await camera(page))
  for (let step = 0; step < 3; step += 1) {
    last = await until(`${what}, step ${step}`, async () => {
      const now = of(await camera(page))
      return Math.abs(now - last) > 1e-6 * Math.abs(last) ? now : undefined
    })
  }
}

/** The scene's time goes on over several states, and the camera is where it was. */
async function rests(page) {
  let seen = { state: await told(page), still: 0 }
  await until('a camera at rest', async () => {
    const state = await told(page)
    if (state.time === seen.state.time) return false
    const still = JSON.stringify(state.camera) === JSON.stringify(seen.state.camera)
    seen = { state, still: still ? seen.still + 1 : 0 }
    return seen.still >= 3
  })
}

const longitude = ({ longitude }) => longitude
const height = ({ altitude_m: height }) => height

const leave = (page) => page.evaluate(() => window.dispatchEvent(new Event('blur')))
const comeBack = (page) => page.evaluate(() => window.dispatchEvent(new Event('focus')))

test('fingers turn and pinch, a tap is a click, and the camera rests when they are gone, even with their tab', async () => {
  const owner = await launched()
  const { page, id } = owner
  const watcher = await invited(owner, id, 'watcher')
  await installReader(page)
  const fingers = await fingersOf(page)
  await rests(page)
  const presses = (await until('a frame', () => frame(page))).input

  await fingers.down([600, 400])
  await fingers.move([680, 400])
  await page.getByText('One finger turns.').waitFor()
  await moves(page, 'a turn', longitude)
  await fingers.up()
  await rests(page)

  const before = height(await camera(page))
  await fingers.down([560, 400], [720, 400])
  await fingers.move([500, 400], [780, 400])
  await moves(page, 'a pinch', height)
  await fingers.up()
  await rests(page)
  assert.ok(height(await camera(page)) < before, 'fingers that come apart go closer')
  assert.equal((await until('a frame', () => frame(page))).input, presses, 'none of it was a mouse')

  // A finger that a busy machine lifts too late was no tap.
  await until('the click', async () => {
    await fingers.down([600, 400])
    await fingers.up()
    return (await frame(page))?.input > presses
  })

  await fingers.down([600, 400])
  await fingers.move([680, 400])
  await moves(page, 'a turn', longitude)
  await leave(page)
  await rests(page)
  await fingers.up()
  await comeBack(page)

  await fingers.down([600, 400])
  await fingers.move([680, 400])
  await moves(watcher.page, 'a turn', longitude)
  const devtools = await owner.context.newCDPSession(page)
  devtools.send('Page.crash').catch(() => {})
  await rests(watcher.page)
  assert.deepEqual([...owner.problems, ...watcher.problems], [])

  await node.admin('DELETE', `/instances/${id}`)
  await owner.context.close()
  await watcher.context.close()
})

/** For `addInitScript`: a gamepad that tests hold. */
function plugIn() {
  window.pad = null
  navigator.getGamepads = () => [window.pad]
  window.holdPad = (axes, pressed = {}) => {
    const buttons = Array.from({ length: 17 }, (_, i) => ({ value: pressed[i] ?? 0, pressed: (pressed[i] ?? 0) > 0 }))
    const isNew = window.pad === null
    window.pad = { connected: true, mapping: 'standard', index: 0, axes, buttons }
    if (isNew) window.dispatchEvent(new Event('gamepadconnected'))
  }
}

test('a gamepad flies, rests when it is let go of, left alone or pulled out, and moves nothing without control', async () => {
  const owner = await launched()
  const { page, id } = owner
  const pilot = await invited(owner, id, 'pilot')
  const hold = (page, ...held) => page.evaluate((held) => window.holdPad(...held), held)
  for (const one of [page, pilot.page]) await one.evaluate(plugIn)

  await hold(page, [0.7, 0, 0, 0])
  await page.getByText('The left stick turns').waitFor()
  await moves(page, 'a turn', longitude)
  await hold(page, [0.05, 0, 0, 0])
  await rests(page)
  await hold(page, [0, 0, 0, 0], { 7: 0.6 })
  await moves(page, 'a way closer', height)
  await leave(page)
  await rests(page)
  await hold(page, [0, 0, 0, 0])
  await comeBack(page)
  await hold(page, [0, 0, 0, 0], { 6: 0.6 })
  await moves(page, 'a way back', height)
  await page.evaluate(() => (window.pad = null))
  await rests(page)

  await hold(pilot.page, [1, 0, 0, 0])
  const fingers = await fingersOf(pilot.page)
  await fingers.down([600, 400])
  await fingers.move([680, 400])
  await rests(page)
  await fingers.up()
  await hold(pilot.page, [0, 0, 0, 0])
  await until('the owner still at the wheel', async () => (await page.locator('[data-control="mine"]').count()) > 0)

  // A wheel that is let go of is taken by the finger that flies.
  await page.evaluate(() => document.querySelector('[data-control="mine"]').click())
  await page.getByRole('menuitem', { name: /let go of control/i }).click()
  await until('a free wheel', async () => (await pilot.page.locator('[data-control="other"]').count()) === 0)
  await fingers.down([600, 400])
  await fingers.move([520, 400])
  await moves(page, 'a turn', longitude)
  await fingers.up()
  await rests(page)

  const before = await camera(page)
  await insist(page, '{"zoom":1}')
  for (const velocities of ['{"zoom":1e39}', '{"zoom":-2}', '{"orbit":[1]}', '{"orbit":[1,null]}']) await insist(pilot.page, velocities)
  await rests(page)
  assert.deepEqual(await camera(page), before, 'neither the other viewer nor nonsense moves it')
  await insist(pilot.page, '{"zoom":1}')
  await until('what is meant to arrive', async () => height(await camera(page)) < height(before))
  assert.deepEqual([...owner.problems, ...pilot.problems], [])

  await node.admin('DELETE', `/instances/${id}`)
  await owner.context.close()
  await pilot.context.close()
})

test('a flight of an older OpenSpace says where it goes until a finger takes over, or a button ends it', async () => {
  const dir = path.join(node.data, 'older')
  execFileSync(path.join(programs, 'openspace-webrtc-demo'), ['--install', dir, '--legacy'])
  const { build } = await node.command({ command: 'add_build', dir })
  const owner = await launchedOf(build.id)
  const { page, id } = owner
  await ready(page)
  const watcher = await invited(owner, id, 'watcher')
  const fly = () =>
    page.evaluate(() => window.openspaceStream.wish({ name: 'fly_to', args: { node: 'Mars', duration_s: 300 } }))
  const goal = (page) => page.locator('[data-journey]')
  const fingers = await fingersOf(page)

  await fly()
  for (const one of [page, watcher.page]) await goal(one).getByText(/^Flying to\s+Mars$/).waitFor()
  assert.equal(await goal(watcher.page).getByRole('button').count(), 0)
  await fingers.down([600, 400])
  await fingers.move([680, 400])
  for (const one of [page, watcher.page]) await goal(one).waitFor({ state: 'detached' })
  await moves(page, 'a turn', longitude)
  await fingers.up()

  await fly()
  await goal(page).getByRole('button', { name: 'Stop here' }).click()
  for (const one of [page, watcher.page]) await goal(one).waitFor({ state: 'detached' })
  assert.deepEqual([...owner.problems, ...watcher.problems], [])

  await node.admin('DELETE', `/instances/${id}`)
  await owner.context.close()
  await watcher.context.close()
})

test('a node that is killed in flight leaves the camera moving, and the next one stops it', async () => {
  const { page, context, id, problems } = await launched()
  const fingers = await fingersOf(page)
  await fingers.down([600, 400])
  await fingers.move([680, 400])
  await moves(page, 'a turn', longitude)
  await node.kill()
  await untilPhase(page, 'reconnecting')
  await fingers.up()
  await node.up()
  await ready(page)
  await rests(page)
  assert.deepEqual(problems, [])
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})

test('in a program without a flight controller, fingers are a mouse', async () => {
  const { build } = await node.command({ command: 'add_program', name: 'Events', run: ['xev', '-geometry', '800x600+0+0'], env: {} })
  const { page, context, id, problems } = await launchedOf(build.id)
  const heard = async (what) => (await readFile(`${node.data}/instances/${id}/program.log`, 'utf8')).split(what).length - 1
  const fingers = await fingersOf(page)
  await fingers.down([300, 300])
  await until('the press', async () => (await heard('ButtonPress')) === 1)
  const before = await heard('MotionNotify')
  await fingers.move([360, 320])
  await until('the drag', async () => (await heard('MotionNotify')) > before)
  await fingers.up()
  await until('the release', async () => (await heard('ButtonRelease')) === 1)
  await fingers.down([260, 300], [340, 300])
  await fingers.move([200, 300], [400, 300])
  await until('the wheel', async () => (await heard('button 4')) > 0)
  await fingers.up()
  assert.equal(await page.locator('[data-flight-hint]').count(), 0)
  await page.evaluate(() => document.querySelector('[aria-label="Help and keys"]').click())
  await page.getByRole('dialog', { name: 'Help' }).getByText('drags with the left button').waitFor()
  assert.deepEqual(problems, [])
  await node.admin('DELETE', `/instances/${id}`)
  await context.close()
})

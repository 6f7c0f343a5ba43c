// Two watch one instance, one of them over a network that becomes narrow: it gets a smaller picture and goes on, the other one notices
// nothing, and what nobody watches any more is not encoded.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, framesRise, installReader, invite, keepPeers, launch, launchBrowser, person, pictureReport, until, untilPhase } from '../harness.js'
import { Shaper } from '../rig/shaped.js'

/** As the home page launches it. */
const SOURCE = 1280
/** No more than a busy computer sends and shows in time, and more than the narrow network carries. */
const SETS = ['instances.fps=15', 'stream.bitrate_kbps=2000', 'stream.bitrate_max_kbps=2000']

let node
let shaper
let browser

before(async () => {
  node = await TestNode.start({ sets: SETS, env: { OPENSPACE_DEMO_BARCODE: '1' } })
  shaper = await Shaper.start(node.ports.media, 'lan')
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  shaper?.close()
  await node?.close()
})

/** Notes each picture that is shown: its width, and the program's number of it. */
function notePictures() {
  const video = document.querySelector('video#stream')
  window.pictures = []
  const note = () => {
    const frame = window.readFrame()?.frame
    if (frame !== undefined) window.pictures.push({ frame, width: video.videoWidth })
    video.requestVideoFrameCallback(note)
  }
  video.requestVideoFrameCallback(note)
}

const pictures = (page) => page.evaluate(() => window.pictures)
const lastPicture = async (page) => (await pictures(page)).at(-1)

/** A picture of this width, and ten after it. */
const untilWide = (page, what, fits) =>
  until(what, async () => {
    const latest = (await pictures(page)).slice(-10)
    return latest.length === 10 && latest.every(({ width }) => fits(width))
  })

/** Those that it did not ask for itself: a browser that gets no processor for a while loses packets, and asks. */
async function keyframes(page) {
  const { keyFramesDecoded, pliCount, firCount } = await pictureReport(page)
  return keyFramesDecoded - pliCount - (firCount ?? 0)
}

async function renditions(id) {
  const { instances } = await node.admin('GET', '/admin/snapshot')
  return instances.find((row) => row.instance.instance_id === id).renditions.map(({ rendition, viewers }) => [rendition.rung, viewers])
}

/** Frames that were left out for the owner: its own path stood still, as it does on a machine that gives it no processor for a while. */
async function leftOut(id) {
  const { instances } = await node.admin('GET', '/admin/snapshot')
  return instances.find((row) => row.instance.instance_id === id).viewers.find(({ role }) => role === 'owner').frames_skipped
}

const untilRenditions = (id, what, fits) => until(what, async () => fits(await renditions(id)))

/** How often an encoder beside the source's has stopped. */
const rested = async () => (await node.log()).split('a rendition rests').length - 1

/** The far one's network becomes narrow, and wide again. */
async function narrowAndWide(far, id) {
  await shaper.profile('narrow')
  await untilWide(far.page, 'a smaller picture', (width) => width < SOURCE)
  await untilRenditions(id, 'a second encode', (all) => all.length === 2)
  const small = await lastPicture(far.page)
  await until('small pictures that go on', async () => (await lastPicture(far.page)).frame > small.frame + 30)

  await shaper.profile('lan')
  await untilWide(far.page, 'the whole picture again', (width) => width === SOURCE)
  await untilRenditions(id, 'the end of the second encode', (all) => all.length === 1 && all[0][1] === 2)
}

test('a network that becomes narrow costs its viewer size and nobody else anything, and gives it back when it is wide again', async (story) => {
  const near = await person(browser)
  await near.page.addInitScript(keepPeers)
  const id = await launch(near.page, node.url)
  const far = await person(browser)
  await far.page.addInitScript(shaper.reroute)
  await far.page.goto(await invite(near.page, id, 'watcher'))
  await untilPhase(far.page, 'live')
  for (const { page } of [near, far]) {
    await installReader(page)
    await framesRise(page)
    await page.evaluate(notePictures)
    await untilWide(page, 'a whole picture', (width) => width === SOURCE)
  }
  await untilRenditions(id, 'one encode for both', (all) => all.length === 1 && all[0][1] === 2)
  // Whoever steers decides what the source spends, and stays with it: on a busy machine anybody else may go down for a while.
  await near.page.mouse.click(640, 360)
  await near.page.locator('[data-control="mine"]').waitFor({ state: 'attached' })
  const costs = async () => {
    const [before, skipped, start] = [await keyframes(near.page), await leftOut(id), await lastPicture(near.page)]
    await narrowAndWide(far, id)
    const widths = new Set((await pictures(near.page)).filter(({ frame }) => frame > start.frame).map(({ width }) => width))
    return { keyframes: (await keyframes(near.page)) - before, widths: [...widths], stoodStill: (await leftOut(id)) > skipped }
  }
  let cost = await costs()
  // On a busy machine the near one's own path stands still now and then, and begins again with a keyframe: such a try proves nothing.
  for (let tries = 1; cost.stoodStill && tries < 3; tries += 1) cost = await costs()
  story.diagnostic(`the near one: ${JSON.stringify(cost)}`)
  if (!cost.stoodStill) {
    assert.deepEqual(cost.widths, [SOURCE], 'the other one keeps its size')
    // It gets no keyframe but the one by which the far one came up again.
    assert.ok(cost.keyframes <= 1, `${cost.keyframes} keyframes`)
  }
  const seen = await pictures(far.page)
  // The first of another size may be a little older: both are encoded beside each other.
  const back = seen.map(({ frame, width }, i) => (i > 0 && width === seen[i - 1].width ? seen[i - 1].frame - frame : 0))
  assert.ok(Math.max(...back) <= 0, 'no picture comes after a later one')

  const rests = await rested()
  await shaper.profile('narrow')
  await untilWide(far.page, 'a smaller picture once more', (width) => width < SOURCE)
  await far.context.close()
  await untilRenditions(id, 'the one encode that is watched', (all) => all.length === 1 && all[0][1] === 1)
  await until('the other encoder to rest', async () => (await rested()) > rests)
  assert.deepEqual([near.problems, far.problems], [[], []])
})

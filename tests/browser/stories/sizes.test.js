// The picture is as large as the window of whoever steers, when that is wished for; everybody else sees all of it, in bars if need be.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'

import { TestNode, frame, framesRise, installReader, invite, launch, launchBrowser, person, until, untilIs, untilPhase } from '../harness.js'

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

const shown = (page) => page.evaluate(() => [document.querySelector('video#stream').videoWidth, document.querySelector('video#stream').videoHeight])

const untilShown = (page, width, height) =>
  until(`a picture of ${width} × ${height}`, async () => {
    const size = await shown(page)
    return size[0] === width && size[1] === height
  })

/** Asks the program's display. */
async function xdotool(id, ...question) {
  const { instances } = await node.admin('GET', '/admin/snapshot')
  const { display } = instances.find((row) => row.instance.instance_id === id)
  const env = { ...process.env, DISPLAY: display, XAUTHORITY: path.join(node.data, 'instances', id, 'Xauthority') }
  return (await promisify(execFile)('xdotool', question, { env })).stdout.trim()
}

/** Where the pointer is on the program's display. */
async function pointer(id) {
  const told = await xdotool(id, 'getmouselocation', '--shell')
  return Object.fromEntries(told.split('\n').map((line) => line.split('=')))
}

async function hits(page, id, x, y) {
  const before = (await until('a frame', () => frame(page))).input
  await page.mouse.click(x, y)
  await until('the click', async () => (await frame(page))?.input > before)
  await until(`the pointer at ${x},${y}`, async () => {
    const { X, Y } = await pointer(id)
    if (Math.abs(Number(X) - x) <= 1 && Math.abs(Number(Y) - y) <= 1) return true
    throw new Error(`it arrived at ${X},${Y}`)
  })
}

/** By the keyboard: the bar is there for it also while it is hidden. */
const openMenu = (page) => page.getByRole('button', { name: 'Size of the picture' }).press('Enter')

const choose = async (page, name) => {
  await openMenu(page)
  await page.getByRole('menuitemradio', { name }).click()
}

test('the picture follows the window of whoever steers, the hand stays right, and another window shows all of it', async () => {
  const { page, context, problems } = await person(browser)
  const id = await launch(page, node.url)
  await installReader(page)
  await framesRise(page)
  const pid = await node.pidOf(id)
  await page.evaluate(() => {
    window.phases = []
    const note = () => window.phases.push(document.documentElement.dataset.phase)
    new MutationObserver(note).observe(document.documentElement, { attributeFilter: ['data-phase'] })
  })

  await choose(page, /^Follow my window/)
  await untilShown(page, 1280, 800)
  await framesRise(page)
  await hits(page, id, 321, 654)

  await page.setViewportSize({ width: 1000, height: 562 })
  await untilShown(page, 1000, 562)
  const last = await until('a frame', () => frame(page))
  await until('later frames', async () => (await frame(page))?.frame > last.frame + 10)
  await hits(page, id, 750, 300)

  const watcher = await person(browser, { viewport: { width: 500, height: 900 } })
  await watcher.page.goto(await invite(page, id, 'watcher'))
  await untilPhase(watcher.page, 'live')
  await installReader(watcher.page)
  await untilShown(watcher.page, 1000, 562)
  await framesRise(watcher.page)
  await untilIs('all of it', () => watcher.page.evaluate(() => getComputedStyle(document.querySelector('video#stream')).objectFit), 'contain')
  await openMenu(watcher.page)
  await until('that a watcher does not decide', () => watcher.page.getByRole('menuitemradio', { name: /^1080p/ }).isDisabled())

  await choose(page, /^1080p/)
  await untilShown(page, 1920, 1080)
  await choose(page, /^As launched/)
  await untilShown(page, 1280, 720)
  await untilShown(watcher.page, 1280, 720)
  assert.equal(await node.pidOf(id), pid, 'the program was not started anew')
  assert.deepEqual(await page.evaluate(() => window.phases.filter((phase) => phase !== 'live')), [], 'the picture went on')
  assert.deepEqual([problems, watcher.problems], [[], []])
  await node.admin('DELETE', `/instances/${id}`)
  await watcher.context.close()
  await context.close()
})

/** Notes each picture that the browser shows: its frame number, where it can be read, and how bright it is. */
const note = (page) =>
  page.evaluate(() => {
    const video = document.querySelector('video#stream')
    const context = new OffscreenCanvas(32, 18).getContext('2d', { willReadFrequently: true })
    const light = () => {
      context.drawImage(video, 0, 0, 32, 18)
      const { data } = context.getImageData(0, 0, 32, 18)
      return data.reduce((sum, value, i) => sum + (i % 4 === 3 ? 0 : value), 0) / (32 * 18 * 3)
    }
    window.shown = []
    const look = () => {
      window.shown.push({ frame: window.readFrame()?.frame ?? null, light: light() })
      video.requestVideoFrameCallback(look)
    }
    video.requestVideoFrameCallback(look)
  })

/** What was shown from before `change` until the display is as large as it is to be, and ten frames more. */
async function shownOver(pages, id, size, change) {
  for (const page of pages) await page.evaluate(() => void window.shown.splice(0))
  await Promise.all(pages.map((page) => until('pictures before', () => page.evaluate(() => window.shown.length > 5))))
  await change()
  await until(`a display of ${size}`, async () => (await xdotool(id, 'getdisplaygeometry')) === size)
  const newest = Math.max(...(await Promise.all(pages.map(async (page) => (await until('a frame', () => frame(page))).frame))))
  return Promise.all(
    pages.map(async (page) => {
      await until('pictures after', async () => (await frame(page))?.frame > newest + 10)
      return page.evaluate(() => window.shown)
    }),
  )
}

test('nobody sees black while the size changes, and the frames go on', async (story) => {
  const { page, context, problems } = await person(browser, { viewport: { width: 960, height: 540 } })
  const id = await launch(page, node.url)
  const watcher = await person(browser, { viewport: { width: 500, height: 900 } })
  await watcher.page.goto(await invite(page, id, 'watcher'))
  await untilPhase(watcher.page, 'live')
  const pages = [page, watcher.page]
  for (const one of pages) {
    await installReader(one)
    await framesRise(one)
    await note(one)
  }
  const changes = [
    ['to a smaller one', '960 540', () => choose(page, /^Follow my window/)],
    ['with the window', '720 520', () => page.setViewportSize({ width: 720, height: 520 })],
    ['to a larger one', '1280 720', () => choose(page, /^As launched/)],
  ]
  for (const [what, size, change] of changes) {
    for (const [who, shown] of Object.entries(await shownOver(pages, id, size, change))) {
      const frames = shown.map(({ frame }) => frame).filter((frame) => frame !== null)
      const steps = frames.slice(1).map((frame, i) => frame - frames[i])
      const darkest = Math.min(...shown.map(({ light }) => light))
      story.diagnostic(`${what}, ${who === '0' ? 'owner' : 'watcher'}: at most ${Math.max(...steps)} frames at once, ${shown.length - frames.length} of ${shown.length} without a number, darkest ${darkest.toFixed(0)} of 255`)
      assert.ok(darkest > 5, 'it is never black')
      assert.ok(steps.every((step) => step >= 0), `it never goes back: ${frames}`)
    }
  }
  assert.deepEqual([problems, watcher.problems], [[], []])
  await node.admin('DELETE', `/instances/${id}`)
  await watcher.context.close()
  await context.close()
})

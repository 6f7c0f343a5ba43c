// What the program plays is heard in the page by whoever turns it on, and costs nothing while it is silent or not listened to.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { TestNode, frame, framesRise, installReader, invite, launch, launchBrowser, person, until, untilPhase } from '../harness.js'
import { wakeTop } from '../rig/scene.js'

/** The demo plays it for a second of every two. */
const HZ = 1000

let node
let browser

before(async () => {
  node = await TestNode.start({ env: { OPENSPACE_DEMO_BARCODE: '1', OPENSPACE_DEMO_TONE: String(HZ) } })
  browser = await launchBrowser({ autoplay: 'document-user-activation-required' })
})

after(async () => {
  await browser?.close()
  await node?.close()
})

/** For `addInitScript`: the sound as the browser gets it, beside our page. */
function eavesdrop() {
  const Plain = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Plain {
    constructor(...options) {
      super(...options)
      this.addEventListener('track', ({ track, streams }) => {
        if (track.kind === 'audio') Object.assign(window, { connection: this, sound: track, soundStream: streams[0]?.id })
        else window.pictureStream = streams[0]?.id
      })
    }
  }
}

/** The loudest tone right now: its frequency in Hz, or 0 in silence. */
const heard = (page) =>
  page.evaluate(() => {
    if (!window.analyser) {
      const context = new AudioContext()
      window.analyser = context.createAnalyser()
      window.analyser.fftSize = 4096
      window.analyser.smoothingTimeConstant = 0
      context.createMediaStreamSource(new MediaStream([window.sound])).connect(window.analyser)
    }
    const levels = new Float32Array(window.analyser.frequencyBinCount)
    window.analyser.getFloatFrequencyData(levels)
    const loudest = levels.reduce((best, level, index) => (level > levels[best] ? index : best), 0)
    return levels[loudest] > -70 ? (loudest * window.analyser.context.sampleRate) / window.analyser.fftSize : 0
  })

const untilTone = (page) => until('the tone', async () => Math.abs((await heard(page)) - HZ) < 25)

/** From the demo's clock to the browser's loudspeaker, in ms: the tone begins with every second that is even. */
const delay = (page) =>
  page.evaluate(async () => {
    // The newest are the last: a shorter array would get the oldest ones, 80 ms earlier.
    const samples = new Float32Array(window.analyser.fftSize)
    const sounds = () => {
      window.analyser.getFloatTimeDomainData(samples)
      return samples.subarray(-256).some((sample) => Math.abs(sample) > 0.02)
    }
    const look = async (wanted) => {
      while (sounds() !== wanted) await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await look(false)
    await look(true)
    return Date.now() % 2000
  })

const packets = (page) =>
  page.evaluate(async () => {
    const report = [...(await window.connection.getStats()).values()]
    return report.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'audio')?.packetsReceived ?? 0
  })

const framesPass = async (page, count) => {
  const from = await until('a frame', () => frame(page))
  await until('later frames', async () => (await frame(page))?.frame > from.frame + count)
}

/** Of frames during which both a tone and a silence fall, how many packets come? */
const packetsIn = async (page, frames) => {
  const before = await packets(page)
  await framesPass(page, frames)
  return (await packets(page)) - before
}

/** Nothing has come for so long, whenever that is. */
const untilNothingCameFor = (page, ms) =>
  until(`${ms} ms without a packet`, () =>
    page.evaluate(async (ms) => {
      const report = [...(await window.connection.getStats()).values()]
      const { lastPacketReceivedTimestamp } = report.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'audio')
      return performance.timeOrigin + performance.now() - lastPacketReceivedTimestamp > ms
    }, ms),
  )

/** Nothing comes for so many frames in a row, whenever that is. */
const untilNothingComes = (page, frames) => until(`${frames} frames without a packet`, async () => (await packetsIn(page, frames)) === 0)

const press = async (page, name) => {
  await wakeTop(page)
  await page.getByRole('button', { name: 'Sound', exact: true }).click()
  await page.getByRole('button', { name }).click()
  await page.keyboard.press('Escape')
}

const listener = async (options) => {
  const someone = await person(browser, options)
  await someone.page.addInitScript(eavesdrop)
  return someone
}

test('a tone is heard once the sound is turned on, and neither silence nor a shut ear is sent anything', async (story) => {
  const { page, context, problems } = await listener()
  const id = await launch(page, node.url)
  await installReader(page)
  await framesRise(page)
  assert.notEqual(await page.evaluate(() => window.soundStream), await page.evaluate(() => window.pictureStream), 'the picture waits for no sound')
  assert.equal(await packetsIn(page, 80), 0, 'nobody listens yet')

  await press(page, 'Turn the sound on')
  await untilTone(page)
  await until('silence', async () => (await heard(page)) === 0)
  story.diagnostic(`a tone is heard after ${await delay(page)} ms`)

  const watcher = await listener()
  await watcher.page.goto(await invite(page, id, 'watcher'))
  await untilPhase(watcher.page, 'live')
  await installReader(watcher.page)
  await press(watcher.page, 'Turn the sound on')
  await untilTone(watcher.page)

  await press(page, 'Turn the sound off')
  await untilNothingComes(page, 80)
  await untilTone(watcher.page)
  // Of two seconds one is a tone, and half a one ends it; while it sounds, a packet comes every 20 ms.
  await untilNothingCameFor(watcher.page, 250)
  await untilTone(watcher.page)

  await watcher.page.reload()
  await untilPhase(watcher.page, 'live')
  await installReader(watcher.page)
  await framesRise(watcher.page)
  assert.equal(await packetsIn(watcher.page, 80), 0, 'no page is heard before it was touched')
  await watcher.page.mouse.click(640, 400)
  await untilTone(watcher.page)
  assert.deepEqual([problems, watcher.problems], [[], []])
  await node.admin('DELETE', `/instances/${id}`)
  await watcher.context.close()
  await context.close()
})

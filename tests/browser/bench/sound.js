// The benchmark `sound`: from the program's playing to the page's hearing, beside the picture of the same seconds; and whether the
// picture waits for the sound, by turns with and without a listener.

import { setTimeout as sleep } from 'node:timers/promises'

import { until } from '../harness.js'
import { latency, median, quantile } from './figures.js'
import { inOwnersBrowser } from './product.js'
import { save, table } from './report.js'

const SPEC = { width: 1280, height: 720, fps: 30, sourceFps: 29.9, kbps: 6000, env: { OPENSPACE_DEMO_TONE: '1000' } }
/** The demo's tone begins with every second that is even. */
const PERIOD_MS = 2000
/** A browser plays with some reserve at first, and gives it up in a few seconds. */
const FULL = { rounds: 3, settleMs: 10_000, windowMs: 30_000 }
const QUICK = { rounds: 1, settleMs: 6000, windowMs: 10_000 }

export async function soundBench({ quick, only }) {
  if (only.length > 0) throw new Error('the benchmark `sound` has no cases to choose from')
  const plan = quick ? QUICK : FULL
  const [heard, deaf] = await inOwnersBrowser(SPEC, (product, chromium) => byTurns(product, chromium, plan), [`(${listening})()`])
  const rows = figures(heard, deaf)
  console.log(`\n${table(rows, 'without sound')}\n`)
  console.log(`written to ${await save('sound', rows, { quick, ...plan })}`)
}

async function byTurns(product, chromium, plan) {
  const [heard, deaf] = [[], []]
  for (let round = 0; round < plan.rounds; round++) {
    deaf.push(await watch(product, chromium, plan, false))
    heard.push(await watch(product, chromium, plan, true))
  }
  return [heard, deaf]
}

async function watch(product, chromium, plan, listens) {
  await product.open(chromium)
  if (listens) await turnOn(chromium)
  await sleep(plan.settleMs)
  await chromium.evaluate('bench.begin(), hearing.begin()')
  await sleep(plan.windowMs)
  const { samples } = await chromium.evaluate('bench.end()')
  const { began, heldMs } = await chromium.evaluate('hearing.end()')
  await product.leave(chromium)
  const { glass_to_glass_p50 } = latency(samples)
  const delays = began.map((at) => at % PERIOD_MS)
  console.log(`${listens ? 'heard' : 'not listened to'}: picture ${glass_to_glass_p50.toFixed(1)} ms${listens ? `, sound ${delays.map(Math.round).join(' ')} ms, of which the browser holds back ${heldMs.toFixed(0)} ms` : ''}`)
  return { glass_to_glass_p50, delays, heldMs }
}

/** As somebody who listened here before: the first press opens the ear. */
async function turnOn(chromium) {
  await chromium.evaluate("localStorage.setItem('listens', 'true')")
  await chromium.reload()
  await until('the reloaded page', () => chromium.evaluate('window.bench?.firstMs > 0'))
  const { x, y } = await chromium.evaluate('({ x: innerWidth >> 1, y: innerHeight >> 1 })')
  for (const type of ['mouseMoved', 'mousePressed', 'mouseReleased']) await chromium.mouse(type, x, y)
  await until('a packet of sound', () => chromium.evaluate('hearing.arrives()'))
}

function figures(heard, deaf) {
  const delays = heard.flatMap((round) => round.delays)
  const over = (rounds, figure) => median(rounds.map((round) => round[figure]))
  const [picture, alone] = [over(heard, 'glass_to_glass_p50'), over(deaf, 'glass_to_glass_p50')]
  const row = (figure, value, more = {}) => ({ figure, case: 'lan', value: Math.round(value * 10) / 10, unit: 'ms', ...more })
  return [
    row('sound_delay_p50', median(delays)),
    row('sound_delay_p95', quantile(delays, 0.95)),
    row('sound_behind_picture_p50', median(delays) - picture),
    row('sound_held_by_browser', over(heard, 'heldMs')),
    row('glass_to_glass_p50', picture, { baseline: alone, ratio: picture / alone }),
  ]
}

/** Runs in the page: notes when a tone begins, as the page's own sound graph gets it. */
function listening() {
  const AUDIBLE = 0.02
  const SILENCE_MS = 300
  const receiver = () => bench.peers.at(-1)?.getReceivers().find(({ track }) => track.kind === 'audio')
  const report = async () => [...(await receiver().getStats()).values()].find(({ type }) => type === 'inbound-rtp')
  const hearing = { began: [], before: undefined, analyser: undefined }
  const samples = new Float32Array(256)

  function look() {
    let loudAt = 0
    let sounds = true
    setInterval(() => {
      hearing.analyser.getFloatTimeDomainData(samples)
      const now = performance.now()
      const loud = samples.some((sample) => Math.abs(sample) > AUDIBLE)
      if (loud && !sounds) hearing.began.push(Date.now())
      if (loud) loudAt = now
      sounds = loud || now - loudAt < SILENCE_MS
    }, 1)
  }

  const held = async () => {
    const { jitterBufferDelay, jitterBufferEmittedCount } = (await report()) ?? {}
    return { delay: jitterBufferDelay ?? 0, count: jitterBufferEmittedCount ?? 0 }
  }

  hearing.arrives = async () => (await report())?.packetsReceived > 0
  hearing.begin = async () => {
    const context = new AudioContext()
    hearing.analyser = context.createAnalyser()
    hearing.analyser.fftSize = 256
    context.createMediaStreamSource(new MediaStream([receiver().track])).connect(hearing.analyser)
    hearing.before = await held()
    look()
  }
  hearing.end = async () => {
    const { delay, count } = await held()
    const heldMs = ((delay - hearing.before.delay) / Math.max(1, count - hearing.before.count)) * 1000
    return { began: hearing.began, heldMs }
  }
  window.hearing = hearing
}

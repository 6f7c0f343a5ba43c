// The benchmark `class`: twenty viewers on a good network and one on a bad one (does it spoil it for the others?), and what a picture
// that stands still costs beside one that moves.

import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'

import { Shaper } from '../rig/shaped.js'
import { until } from '../harness.js'
import { cores, cpuSeconds } from './cpu.js'
import { Crowd } from './crowd.js'
import { latency, median } from './figures.js'
import { framesDecoded, untilPicture } from './page.js'
import { inOwnersBrowser } from './product.js'
import { save, table } from './report.js'

const SPEC = { width: 1280, height: 720, fps: 30, sourceFps: 29.9, kbps: 4000 }
/** Light viewers beside the one whose browser is measured. */
const LIGHT = 19
const FULL = { rounds: 3, windowMs: 15_000, settleMs: 6000, stillMs: 20_000 }
const QUICK = { rounds: 1, windowMs: 5000, settleMs: 4000, stillMs: 6000 }
const PICTURE = fileURLToPath(new URL('../../../icons/screenshot.jpg', import.meta.url))

const CASES = { mobile: withOneOnMobile, still: standsStill }

export async function classBench({ quick, only }) {
  const unknown = only.filter((name) => !(name in CASES))
  if (unknown.length > 0) throw new Error(`there is no case ${unknown.join(', ')}. There are: ${Object.keys(CASES).join(', ')}`)
  const plan = quick ? QUICK : FULL
  const rows = []
  for (const [name, measure] of Object.entries(CASES)) {
    if (only.length === 0 || only.includes(name)) rows.push(...(await measure(plan)))
  }
  console.log(`\n${table(rows, 'beside it')}\n`)
  console.log(`written to ${await save('class', rows, { quick, light_viewers: LIGHT, ...plan })}`)
}

/** In turns without and with the one on `mobile`; the figures are those of the twenty. */
function withOneOnMobile(plan) {
  return inOwnersBrowser(SPEC, async (product, chromium) => {
    const shaper = await Shaper.start(product.node.ports.media, 'mobile')
    const crowd = new Crowd(product.node.url, product.instance, product.session)
    try {
      await product.open(chromium)
      for (let i = 0; i < LIGHT; i++) await crowd.join()
      const alone = []
      const beside = []
      for (let round = 0; round < plan.rounds; round++) {
        alone.push(await theTwenty(chromium, crowd, plan))
        const slow = await crowd.join((sdp) => shaper.through(sdp))
        beside.push(await theTwenty(chromium, crowd, plan, slow))
        await crowd.leave(slow)
      }
      return compare('mobile', beside, alone, {
        glass_to_glass_p50: 'ms', glass_to_glass_p95: 'ms', frames_per_s: '1/s', light_frames_per_s: '1/s', light_keyframes: '',
      })
    } finally {
      await crowd.close()
      await shaper.close()
    }
  })
}

async function theTwenty(chromium, crowd, plan, slow) {
  await sleep(plan.settleMs)
  const before = await crowd.counts()
  const began = performance.now()
  await chromium.evaluate('void bench.begin()')
  await sleep(plan.windowMs)
  const { samples } = await chromium.evaluate('bench.end()')
  const after = await crowd.counts()
  const seconds = (performance.now() - began) / 1000
  const grown = (viewer, what) => after[viewer][what] - before[viewer][what]
  const light = Object.keys(after).filter((viewer) => Number(viewer) !== slow)
  const { frames_per_s, glass_to_glass_p50, glass_to_glass_p95 } = latency(samples)
  const figures = {
    frames_per_s,
    glass_to_glass_p50,
    glass_to_glass_p95,
    light_frames_per_s: median(light.map((viewer) => grown(viewer, 'frames') / seconds)),
    light_keyframes: Math.max(...light.map((viewer) => grown(viewer, 'keyframes'))),
  }
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(1)}`)
  const onMobile = slow === undefined ? '' : `; the one on mobile got ${(grown(slow, 'frames') / seconds).toFixed(1)} frames a second, ${grown(slow, 'keyframes')} keyframes`
  console.log(`${slow === undefined ? 'alone' : 'beside one on mobile'}: ${shown.join(', ')}${onMobile}`)
  return figures
}

/** A photograph that is shown once, beside the demo that moves, each with one viewer. */
function standsStill(plan) {
  return inOwnersBrowser(SPEC, async (product, chromium) => {
    await product.open(chromium)
    const moving = await costs(product, chromium, plan)
    await product.leave(chromium)
    await showPicture(product)
    await chromium.go(product.url)
    await untilPicture(chromium)
    const still = await costs(product, chromium, plan)
    return compare('still', [still], [moving], { node_cpu_pct: '%', received_kbps: 'kbit/s', frames_decoded_per_s: '1/s' })
  })
}

/** Puts a program that draws once in the place of the demo. */
async function showPicture(product) {
  await product.call('DELETE', `/instances/${product.instance}`)
  await until('a free place', async () => !(await product.row()))
  const run = ['display', '-immutable', '-geometry', `${SPEC.width}x${SPEC.height}!+0+0`, path.resolve(PICTURE)]
  const { build } = await product.node.command({ command: 'add_program', name: 'A photograph', run, env: {} })
  await product.launch({ build: build.id })
}

async function costs(product, chromium, plan) {
  await sleep(plan.settleMs)
  const { pid } = await product.row()
  // The program and the display server are the node's children; only what the node itself does is counted.
  const roots = new Map([[product.node.child.pid, 'node'], [pid, 'app']])
  const bytes = () => chromium.evaluate('bench.bytesReceived()')
  const [cpuBefore, bytesBefore, framesBefore, began] = [await cpuSeconds(roots), await bytes(), await framesDecoded(chromium), performance.now()]
  await sleep(plan.stillMs)
  const seconds = (performance.now() - began) / 1000
  const { node } = cores(cpuBefore, await cpuSeconds(roots), seconds)
  return {
    node_cpu_pct: node * 100,
    received_kbps: ((await bytes()) - bytesBefore) * 8 / 1000 / seconds,
    frames_decoded_per_s: ((await framesDecoded(chromium)) - framesBefore) / seconds,
  }
}

function compare(name, ours, others, units) {
  const over = (rounds, figure) => median(rounds.map((round) => round[figure]))
  return Object.entries(units).map(([figure, unit]) => {
    const [value, baseline] = [over(ours, figure), over(others, figure)]
    return { figure, case: name, value, unit, baseline, ...(baseline > 0 ? { ratio: value / baseline } : {}) }
  })
}

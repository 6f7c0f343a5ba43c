// Takes the samples of one path in one case: a quiet window for latency and processor time, then presses.

import { setTimeout as sleep } from 'node:timers/promises'

import { until } from '../harness.js'
import { cores, cpuSeconds } from './cpu.js'
import { latency, median, quantile } from './figures.js'

/** A press that has not shown by then is lost. */
const PRESS_LOST_MS = 2000
/** More than this, and the barcode was not read where it was drawn. */
const UNREADABLE_PCT_MAX = 5

/** `roots` is pid → name of the process trees that are counted. */
export async function measure(chromium, roots, plan) {
  await sleep(plan.settleMs)
  const quiet = await quietWindow(chromium, roots, plan.windowMs)
  const presses = await pressRow(chromium, plan)
  return { ...quiet, ...presses }
}

async function quietWindow(chromium, roots, windowMs) {
  const cpuBefore = await cpuSeconds(roots)
  const began = performance.now()
  const decodedBefore = await chromium.evaluate('bench.begin(), bench.framesDecoded()')
  await sleep(windowMs)
  const { samples, unreadable } = await chromium.evaluate('bench.end()')
  const decoded = (await chromium.evaluate('bench.framesDecoded()')) - decodedBefore
  const seconds = (performance.now() - began) / 1000
  const cpu = cores(cpuBefore, await cpuSeconds(roots), seconds)
  const unreadablePct = (unreadable / Math.max(1, samples.length + unreadable)) * 100
  if (samples.length < 10 || unreadablePct > UNREADABLE_PCT_MAX) {
    throw new Error(`${samples.length} frames could be read and ${unreadable} could not: no figures come of that`)
  }
  return { ...latency(samples, decoded), unreadable_pct: unreadablePct, ...named(cpu) }
}

/** `cpu_cores` is what streams: the node, or what stands in its place. */
function named({ streamer, ...others }) {
  const rest = Object.entries(others).map(([group, used]) => [`cpu_cores_${group}`, used])
  return { cpu_cores: streamer, ...Object.fromEntries(rest) }
}

async function pressRow(chromium, { presses, pauseMs }) {
  const { x, y } = await chromium.evaluate('({ x: innerWidth >> 1, y: innerHeight >> 1 })')
  await chromium.mouse('mouseMoved', x, y)
  // The first one takes control; it is not counted.
  await pressed(chromium, x, y)
  await chromium.evaluate('void (bench.presses = [])')
  let lost = 0
  for (let i = 0; i < presses; i++) {
    // At any phase of the program's frames.
    await sleep(pauseMs + Math.random() * 50)
    if (!(await pressed(chromium, x, y))) lost += 1
  }
  const times = await chromium.evaluate('bench.presses')
  return { input_to_photon_p50: median(times), input_to_photon_p95: quantile(times, 0.95), presses_lost: lost }
}

async function pressed(chromium, x, y) {
  await chromium.mouse('mousePressed', x, y)
  const shown = await until('the press', () => chromium.evaluate('!bench.pressWaits()'), PRESS_LOST_MS).catch(() => false)
  await chromium.mouse('mouseReleased', x, y)
  if (!shown) await chromium.evaluate('bench.forgetPress()')
  return shown
}

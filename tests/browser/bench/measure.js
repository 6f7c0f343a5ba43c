// Takes the samples of one path in one case: a quiet window for latency and processor time, then presses.

import { setTimeout as sleep } from 'node:timers/promises'

import { until } from '../harness.js'
import { cores, cpuSeconds } from './cpu.js'
import { Draws, drawn } from './draws.js'
import { latency, median, quantile } from './figures.js'

/** A press that has not shown by then is lost. */
const PRESS_LOST_MS = 2000
/** More than this, and the barcode was not read where it was drawn. */
const UNREADABLE_PCT_MAX = 5

/** `roots` is pid → name of the process trees that are counted. */
export async function measure(chromium, roots, plan) {
  await sleep(plan.settleMs)
  // One window for the processors, untouched by the trace, and one for the eyes.
  const used = await costs(chromium, roots, plan.windowMs)
  const drawing = await Draws.begin(chromium)
  const watched = await watch(chromium, plan.windowMs)
  const { presses, lost } = await pressRow(chromium, plan)
  return { ...used, ...figures(watched, presses, await drawing.end()), presses_lost: lost }
}

async function costs(chromium, roots, windowMs) {
  const before = await cpuSeconds(roots)
  const began = performance.now()
  await sleep(windowMs)
  return named(cores(before, await cpuSeconds(roots), (performance.now() - began) / 1000))
}

async function watch(chromium, windowMs) {
  const decodedBefore = await chromium.evaluate('bench.begin(), bench.framesDecoded()')
  await sleep(windowMs)
  const { samples, unreadable, origin } = await chromium.evaluate('bench.end()')
  const decoded = (await chromium.evaluate('bench.framesDecoded()')) - decodedBefore
  const unreadablePct = (unreadable / Math.max(1, samples.length + unreadable)) * 100
  if (samples.length < 10 || unreadablePct > UNREADABLE_PCT_MAX) {
    throw new Error(`${samples.length} frames could be read and ${unreadable} could not: no figures come of that`)
  }
  return { samples, decoded, origin, unreadablePct }
}

/** What was handed to the compositor counts from when it was drawn. */
function figures({ samples, decoded, origin, unreadablePct }, presses, draws) {
  const eyes = samples.map((sample) => ({ ...sample, at: origin + drawn(draws, sample.at - origin) }))
  const never = eyes.filter(({ at }) => !Number.isFinite(at)).length
  if (never > 0) throw new Error(`by the browser's trace, ${never} of ${eyes.length} frames were never drawn: no figures come of that`)
  const times = presses.map(({ from, to }) => drawn(draws, to) - from)
  return {
    ...latency(eyes, decoded),
    unreadable_pct: unreadablePct,
    input_to_photon_p50: median(times),
    input_to_photon_p95: quantile(times, 0.95),
  }
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
  return { presses: await chromium.evaluate('bench.presses'), lost }
}

async function pressed(chromium, x, y) {
  await chromium.mouse('mousePressed', x, y)
  const shown = await until('the press', () => chromium.evaluate('!bench.pressWaits()'), PRESS_LOST_MS).catch(() => false)
  await chromium.mouse('mouseReleased', x, y)
  if (!shown) await chromium.evaluate('bench.forgetPress()')
  return shown
}

// The benchmark `latency`: from the program's drawing to the picture in a real browser, and from a press to its effect, beside the
// plain path on the same display in the same minute.

import { Chromium } from './chromium.js'
import { median, rows } from './figures.js'
import { inPage } from './inpage-source.js'
import { measure } from './measure.js'
import { Plain } from './plain.js'
import { Product } from './product.js'
import { save, table } from './report.js'

// A source at exactly 30 fps would hold a timer-driven capture at one phase, its best or its worst, for the whole run.
const CASES = [
  { name: '720p30', width: 1280, height: 720, fps: 30, sourceFps: 29.9 },
  { name: '720p60', width: 1280, height: 720, fps: 60, sourceFps: 59.9 },
  { name: '1080p30', width: 1920, height: 1080, fps: 30, sourceFps: 29.9 },
]

/** What a stream begins with by default, for both paths. */
const KBPS = 6000

const FULL = { rounds: 2, settleMs: 3000, windowMs: 15_000, presses: 30, pauseMs: 150, opens: 5 }
const QUICK = { rounds: 1, settleMs: 1500, windowMs: 4000, presses: 8, pauseMs: 100, opens: 2 }

const UNITS = {
  glass_to_glass_p50: 'ms',
  glass_to_glass_p95: 'ms',
  input_to_photon_p50: 'ms',
  input_to_photon_p95: 'ms',
  frames_per_s: '1/s',
  frames_lost_pct: '%',
  frames_not_decoded_pct: '%',
  cpu_cores: 'cores',
  cpu_cores_app: 'cores',
  cpu_cores_xvfb: 'cores',
  cpu_cores_browser: 'cores',
}

export async function latencyBench({ quick, only }) {
  const known = CASES.map(({ name }) => name)
  const unknown = only.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new Error(`there is no case ${unknown.join(', ')}. There are: ${known.join(', ')}`)
  const plan = quick ? QUICK : FULL
  const script = await inPage()
  const all = []
  // How quiet the machine was: what everything else on it used, in each window.
  const others = []
  for (const spec of CASES.filter(({ name }) => only.length === 0 || only.includes(name))) {
    all.push(...(await runCase(spec, plan, script, others)))
  }
  const conditions = {
    quick,
    rounds: plan.rounds,
    window_s: plan.windowMs / 1000,
    other_cores_p50: median(others),
    other_cores_max: Math.max(...others),
  }
  console.log(`\n${table(all)}\n`)
  console.log(`written to ${await save('latency', all, conditions)}`)
}

async function runCase(spec, plan, script, others) {
  const open = []
  try {
    const product = await Product.start({ ...spec, kbps: KBPS })
    open.push(product)
    const chromium = await Chromium.launch(spec)
    open.push(chromium)
    await chromium.atStart(script)
    await product.admit(chromium)
    const [ours, plain] = await rounds(spec, plan, product, chromium)
    others.push(...[...ours, ...plain].map((round) => round.cpu_cores_others))
    const opened = spec === CASES[0] ? await openings(product, chromium, plan.opens) : []
    return [...rows(spec.name, ours, plain, UNITS), ...opened]
  } finally {
    for (const one of open.reverse()) await one.close()
  }
}

/** Interleaved, so that a change of the machine's mood meets both. */
async function rounds(spec, plan, product, chromium) {
  const ours = []
  const plain = []
  for (let round = 0; round < plan.rounds; round++) {
    ours.push(await ourRound(product, chromium, plan))
    say(spec, round, 'ours', ours.at(-1))
    plain.push(await plainRound(spec, product, chromium, plan))
    say(spec, round, 'plain path', plain.at(-1))
  }
  return [ours, plain]
}

async function ourRound(product, chromium, plan) {
  await product.open(chromium)
  const { pid } = await product.row()
  const roots = new Map([[product.node.child.pid, 'streamer'], [pid, 'app'], [chromium.pid, 'browser']])
  const figures = await measure(chromium, roots, plan)
  await product.leave(chromium)
  return figures
}

async function plainRound(spec, product, chromium, plan) {
  const { pid } = await product.row()
  const plain = await Plain.start(chromium, { ...spec, ...(await product.display()), kbps: KBPS })
  try {
    // The node counts for nothing here, but the X server is its child.
    const roots = new Map([[plain.pid, 'streamer'], [product.node.child.pid, 'node'], [pid, 'app'], [chromium.pid, 'browser']])
    const figures = await measure(chromium, roots, plan)
    // Its timer sends some pictures twice and others never, so that what was decoded says nothing of what was drawn.
    return { ...figures, frames_not_decoded_pct: Number.NaN }
  } finally {
    await plain.close()
  }
}

/** From the address to the picture: by a viewer who comes to a running instance that nobody watches, and by one who reloads. */
async function openings(product, chromium, times) {
  const came = []
  const rejoined = []
  for (let i = 0; i < times; i++) {
    came.push(await product.open(chromium))
    rejoined.push(await product.reload(chromium))
    await product.leave(chromium)
  }
  const row = (figure, name, values) => ({ figure, case: name, value: Math.round(median(values)), unit: 'ms' })
  return [row('click_to_first_frame_p50', 'warm', came), row('rejoin_to_first_frame_p50', 'warm', rejoined)]
}

function say({ name }, round, path, figures) {
  const shown = ['glass_to_glass_p50', 'glass_to_glass_p95', 'input_to_photon_p50', 'cpu_cores'].map((figure) => figures[figure]?.toFixed(2))
  const [p50, p95, input, cpu] = shown
  const others = figures.cpu_cores_others.toFixed(2)
  console.log(`${name}, round ${round + 1}, ${path}: ${p50} ms (p95 ${p95}), input to photon ${input} ms, ${cpu} cores; others used ${others}`)
}

// The benchmark `stream`: what one more viewer costs, and how the stream lives on bad networks: the real page in a real Chromium,
// the real node, and a shaper between them.

import { execFile } from 'node:child_process'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { Shaper } from '../rig/shaped.js'
import { programs } from '../harness.js'
import { median } from './figures.js'
import { ageOf, longestGapMs, rateBackS, rates, readable, recoveredS } from './network.js'
import { inOwnersBrowser } from './product.js'
import { row, save, table } from './report.js'

const run = promisify(execFile)

const SPEC = { name: '720p30', width: 1280, height: 720, fps: 30, sourceFps: 29.9, kbps: 6000 }
/** What a presenter in a hotel shows: the wide picture is the one that a freeze is seen in. */
const WIDE = { name: '1080p30', width: 1920, height: 1080, fps: 30, sourceFps: 29.9, kbps: 8000 }
const VIEWERS = [1, 10, 50]
/** Seconds that each network is watched; a step and a tunnel need theirs. */
const NETWORKS = {
  lan: { full: 10, quick: 5 },
  hotel: { full: 300, quick: 20, spec: WIDE },
  step: { full: 40, quick: 40 },
  mobile: { full: 60, quick: 20 },
  train: { full: 45, quick: 25 },
}
const SETTLE_MS = 4000
const READ_EVERY_MS = 250
/** A frame may be so much older than is common on this network and count as in time. */
const IN_TIME_MS = 150
/** At a tenth of the rate, so many milliseconds may pass between two barcodes that can be read. */
const UNREADABLE_MS = 1000

export async function streamBench({ quick, only }) {
  const known = [...VIEWERS.map(String), ...Object.keys(NETWORKS)]
  const unknown = only.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new Error(`there is no case ${unknown.join(', ')}. There are: ${known.join(', ')}`)
  const wanted = (name) => only.length === 0 || only.includes(name)
  const rows = []
  for (const viewers of VIEWERS.filter((viewers) => wanted(String(viewers)))) rows.push(...(await fanout(viewers, quick)))
  for (const spec of [SPEC, WIDE]) {
    const networks = Object.keys(NETWORKS).filter((name) => wanted(name) && (NETWORKS[name].spec ?? SPEC) === spec)
    if (networks.length > 0) rows.push(...(await onNetworks(networks, spec, quick)))
  }
  console.log(`\n${table(rows, 'beside it')}\n`)
  console.log(`written to ${await save('stream', rows, { quick, kbps: SPEC.kbps })}`)
}

/** Beside it is the floor: encryption and one call to the kernel per frame and viewer, in the same minute. */
async function fanout(viewers, quick) {
  const { stdout } = await run(path.join(programs, 'examples/fanout'), [String(viewers), quick ? '5' : '15'])
  const seen = JSON.parse(stdout)
  console.log(`${viewers} viewers: ${seen.us_per_packet.toFixed(2)} µs a packet, floor ${seen.floor_us_per_packet.toFixed(2)}, ${seen.cpu_pct.toFixed(1)} % of a core`)
  const name = String(viewers)
  return [
    row('fanout_cpu_pct', name, seen.cpu_pct, '%'),
    row('fanout_us_per_packet', name, seen.us_per_packet, 'µs', seen.floor_us_per_packet),
    row('fanout_kb_per_viewer', name, seen.kb_per_viewer, 'kB'),
  ]
}

function onNetworks(names, spec, quick) {
  return inOwnersBrowser(spec, async (product, chromium) => {
    const shaper = await Shaper.start(product.node.ports.media, 'lan')
    try {
      await chromium.atStart(shaper.reroute)
      const rows = []
      for (const name of names) rows.push(...(await onNetwork(name, NETWORKS[name][quick ? 'quick' : 'full'], { product, shaper, chromium })))
      return rows
    } finally {
      await shaper.close()
    }
  })
}

async function onNetwork(name, seconds, { product, shaper, chromium }) {
  await shaper.profile(name)
  const openedMs = await product.open(chromium)
  await sleep(SETTLE_MS)
  await shaper.restart()
  const began = Date.now()
  await chromium.evaluate('void bench.begin()')
  const readings = []
  while (Date.now() < began + seconds * 1000) {
    const bytes = await chromium.evaluate('bench.bytesReceived()')
    if (bytes !== null) readings.push({ at: Date.now(), bytes })
    await sleep(READ_EVERY_MS)
  }
  const { samples, shown, unreadable } = await chromium.evaluate('bench.end()')
  const { down } = await shaper.counts()
  await product.leave(chromium)
  const rows = figures(name, { frames: readable(samples), shown, readings, began, ended: began + seconds * 1000 })
  const said = rows.map(({ figure, value }) => `${figure} ${value}`).join(', ')
  console.log(`${name}: first frame after ${Math.round(openedMs)} ms, ${said}; ${unreadable} of ${shown.length} frames unreadable; ${down.dropped} packets dropped, ${down.lost} lost of ${down.passed}`)
  return rows
}

function figures(name, { frames, shown, readings, began, ended }) {
  const common = ageOf(frames, 0.5, began, began + 8000)
  const inTime = common + IN_TIME_MS
  const rows = [
    row('longest_gap_ms', name, longestGapMs(shown, began, ended), 'ms'),
    row('glass_to_glass_p50', name, ageOf(frames, 0.5, began, ended), 'ms'),
    row('glass_to_glass_p95', name, ageOf(frames, 0.95, began, ended), 'ms'),
    row('frames_per_s', name, (shown.length * 1000) / (ended - began), '1/s'),
    row('received_kbps', name, median(rates(readings).map(({ kbps }) => kbps)), 'kbit/s'),
  ]
  const at = (second) => began + second * 1000
  if (name === 'step') {
    const before = median(rates(readings).filter((reading) => reading.at < at(10)).map(({ kbps }) => kbps))
    rows.push(row('recover_s', name, rateBackS(readings, at(25), before * 0.9), 's'))
    rows.push(row('in_time_again_s', name, recoveredS(frames, at(10), inTime, UNREADABLE_MS), 's'))
  } else if (name === 'train') {
    const tunnels = [10, 20, 30, 40].map(at).filter((end) => end + 3000 < ended)
    rows.push(row('recover_s', name, Math.max(...tunnels.map((end) => recoveredS(frames, end, inTime))), 's'))
  } else {
    rows.push(row('recover_s', name, recoveredS(frames, began, inTime), 's'))
  }
  return rows
}

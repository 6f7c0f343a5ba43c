// The benchmark `soak`: viewers come and go for an hour, politely and not, and the node must be afterwards as it was before. A small
// picture, since coming and going is what is tried.

import { readFile, readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { Crowd } from './crowd.js'
import { Product } from './product.js'
import { save, table } from './report.js'

const SPEC = { width: 640, height: 360, fps: 10, sourceFps: 10, kbps: 600 }
const VIEWERS = 10
const FULL = { minutes: 60 }
const QUICK = { minutes: 3 }
/**
 * Caches fill, and the allocator's arenas find their size: that takes the first two thousand viewers or so, and is no growth. At ten
 * comings and goings a second it is over by half time.
 */
const WARM_UP = 0.5
const STEP_MS = 100
const READ_EVERY_MS = 5000
/** ICE notices a viewer that went without a word only after a while; so long may its traces stay. */
const TRACES_GONE_MS = 60_000

export async function soakBench({ quick, only }) {
  if (only.length > 0) throw new Error('the benchmark `soak` has no cases to choose from')
  const plan = quick ? QUICK : FULL
  const product = await Product.start(SPEC)
  const crowd = new Crowd(product.node.url, product.instance, product.session)
  try {
    const empty = await look(product)
    const { came, readings } = await comeAndGo(product, crowd, plan.minutes * 60_000)
    await sleep(TRACES_GONE_MS)
    const left = await look(product)
    const settled = readings.filter(({ at }) => at > readings[0].at + plan.minutes * 60_000 * WARM_UP)
    const row = (figure, value, unit) => ({ figure, case: 'soak', value, unit })
    const rows = [
      row('viewers_came', came, ''),
      row('memory_slope', slope(settled.map(({ at, mib }) => [at / 3_600_000, mib])), 'MiB/h'),
      row('memory_per_viewer', slope(settled.map(({ came, mib }) => [came, mib * 1024])), 'kB'),
      ...['mib', 'threads', 'files', 'viewers', 'tasks', 'peers', 'addresses'].map((figure) => ({
        figure: `${figure}_afterwards`, case: 'soak', value: left[figure], unit: figure === 'mib' ? 'MiB' : '', baseline: empty[figure],
      })),
    ]
    console.log(`\n${table(rows, 'before')}\n`)
    console.log(`written to ${await save('soak', rows, { quick, viewers: VIEWERS, ...plan })}`)
  } finally {
    await crowd.close()
    await product.close()
  }
}

async function comeAndGo(product, crowd, ms) {
  const readings = []
  const there = []
  const ends = Date.now() + ms
  let came = 0
  let readAt = 0
  while (Date.now() < ends) {
    if (there.length < VIEWERS) {
      there.push(await crowd.join())
      came += 1
    } else {
      const [viewer] = there.splice(Math.floor(Math.random() * there.length), 1)
      await crowd.leave(viewer, { silently: came % 3 === 0 })
    }
    if (Date.now() > readAt + READ_EVERY_MS) {
      readAt = Date.now()
      readings.push({ at: readAt, came, ...(await look(product)) })
      const { mib, threads, tasks } = readings.at(-1)
      console.log(`${came} viewers came: ${mib.toFixed(2)} MiB, ${threads} threads, ${tasks} tasks`)
    }
    await sleep(STEP_MS)
  }
  for (const viewer of there) await crowd.leave(viewer)
  return { came, readings }
}

/** What the node holds: memory, threads, open files and sockets, viewers; and by its own figures its tasks and what its media port knows. */
async function look(product) {
  const { pid } = product.node.child
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const number = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1])
  const { viewers } = await product.row()
  const figures = await (await fetch(`${product.node.url}/metrics`)).text()
  const own = (name) => Number(figures.match(new RegExp(`^openspace_webrtc_${name} (\\S+)$`, 'm'))[1])
  return {
    mib: number('VmRSS') / 1024,
    threads: number('Threads'),
    files: (await readdir(`/proc/${pid}/fd`)).length,
    viewers: viewers.length,
    tasks: own('tasks'),
    peers: own('media_peers'),
    addresses: own('media_addresses'),
  }
}

/** Of the straight line that lies nearest to the points (least squares). */
function slope(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const over = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0)
  return over / points.reduce((sum, [px]) => sum + (px - x) ** 2, 0)
}

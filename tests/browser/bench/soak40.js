// The benchmark `soak`: viewers come and go for an hour, politely and not, and the node must be afterwards as it was before. A small
// picture, since coming and going is what is tried.

import { readFile, readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { Crowd } from './crowd.js'
import { Product } from './product.js'
import { save, table } from './report.js'

const SPEC = { width: 640, height: 360, fps: 10, sourceFps: 10, kbps: 600 }
const VIEWERS = 10
const FULL = { minutes: 40 }
const QUICK = { minutes: 3 }
/** Caches fill and buffers find their size. */
const WARM_UP = 0.2
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
    const rows = [
      { figure: 'viewers_came', case: 'soak', value: came, unit: '' },
      { figure: 'memory_slope', case: 'soak', value: slope(settled.map(({ at, mib }) => [at / 3_600_000, mib])), unit: 'MiB/h' },
      ...['mib', 'threads', 'files', 'viewers'].map((figure) => ({
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
      readings.push({ at: readAt, ...(await look(product)) })
    }
    await sleep(500)
  }
  for (const viewer of there) await crowd.leave(viewer)
  return { came, readings }
}

/** What the node holds: memory, threads, open files and sockets, viewers. */
async function look(product) {
  const { pid } = product.node.child
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const number = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1])
  const { viewers } = await product.row()
  return {
    mib: number('VmRSS') / 1024,
    threads: number('Threads'),
    files: (await readdir(`/proc/${pid}/fd`)).length,
    viewers: viewers.length,
  }
}

/** Of the straight line that lies nearest to the points (least squares). */
function slope(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const over = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0)
  return over / points.reduce((sum, [px]) => sum + (px - x) ** 2, 0)
}

// The benchmark `launch`: from the click on the home page to the first frame of the stream, with and without an instance that stands
// ready, and from the death of the program to frames of its successor. Beside each stands what the program itself took to be ready.

import { Chromium } from './chromium.js'
import { median } from './figures.js'
import { inPage } from './inpage-source.js'
import { save, table } from './report.js'
import { TestNode, until } from '../harness.js'

const VIEW = { width: 1280, height: 720 }
const FULL = { launches: 7, crashes: 5 }
const QUICK = { launches: 2, crashes: 1 }

/** Kept over the way from the home page to the stream page: when the button was pressed, in Unix time. */
const NOTE_CLICK = `window.addEventListener('click', (event) => {
  sessionStorage.clicked = performance.timeOrigin + event.timeStamp
}, true)`

export async function launchBench({ quick, only }) {
  if (only.length > 0) throw new Error('the benchmark `launch` has no cases to choose from')
  const plan = quick ? QUICK : FULL
  const bench = await Launches.start()
  try {
    await bench.prepare()
    const cold = await times(plan.launches, () => bench.cold())
    say('cold', cold)
    const crashed = await times(plan.crashes, () => bench.crash())
    say('crash', crashed)
    const warm = await times(plan.launches, () => bench.warm())
    say('warm', warm)
    const rows = [
      row('click_to_first_frame_p50', 'warm', warm),
      row('click_to_first_frame_p50', 'cold', cold),
      {
        ...row('cold_overhead_ms', 'demo', cold, ({ ms, own }) => ms - own),
        baseline: undefined,
        ratio: undefined,
      },
      row('crash_to_first_frame_ms', 'demo', crashed),
    ]
    console.log(`\n${table(rows, "program's own start")}\n`)
    console.log(`written to ${await save('launch', rows, { quick, ...plan })}`)
  } finally {
    await bench.close()
  }
}

async function times(n, measure) {
  const all = []
  for (let i = 0; i < n; i++) all.push(await measure())
  return all
}

function row(figure, name, all, of = ({ ms }) => ms) {
  const value = Math.round(median(all.map(of)))
  const owns = all.map(({ own }) => own).filter((own) => own !== undefined)
  if (owns.length === 0) return { figure, case: name, value, unit: 'ms' }
  const baseline = Math.round(median(owns))
  return {
    figure,
    case: name,
    value,
    unit: 'ms',
    baseline,
    ratio: Math.round((value / baseline) * 1000) / 1000,
  }
}

function say(name, all) {
  const shown = all.map(({ ms, own }) => `${Math.round(ms)}${own === undefined ? '' : ` (own ${Math.round(own)})`}`)
  console.log(`${name}: ${shown.join(', ')} ms`)
}

class Launches {
  static async start() {
    // Two stand in each other's way on two cores: the one that is watched, and the one that is started to replace it.
    const sets = ['instances.slots=3', 'standby.memory_mb=64', 'standby.idle_cores=0.0', 'stream.linger_s=0', 'log.format=json']
    const node = await TestNode.start({
      sets,
      env: { OPENSPACE_DEMO_BARCODE: '1', OPENSPACE_DEMO_FPS: '29.9' },
    })
    try {
      return new Launches(node, await Chromium.launch(VIEW))
    } catch (error) {
      await node.close()
      throw error
    }
  }

  async prepare() {
    await this.chromium.atStart(await inPage())
    await this.chromium.atStart(NOTE_CLICK)
    // The very first start writes caches, and the browser compiles the pages: neither is what people meet day by day.
    await this.cold()
  }

  constructor(node, chromium) {
    Object.assign(this, { node, chromium })
  }

  async cold() {
    await this.nothingRuns()
    const ms = await this.clickToFirstFrame()
    return { ms, own: await this.ownStart() }
  }

  async warm() {
    await this.nothingRuns()
    await this.keep(1)
    await until('one that stands ready', async () => (await this.node.admin('GET', '/admin/snapshot')).standby[0]?.ready === 1)
    const ms = await this.clickToFirstFrame()
    await this.keep(0)
    return { ms }
  }

  /** kill -9 of the program under its viewer, to the first frame that its successor drew. */
  async crash() {
    await this.nothingRuns()
    await this.clickToFirstFrame()
    const { pid, instance } = (await this.node.admin('GET', '/admin/snapshot')).instances[0]
    await this.chromium.evaluate('window.bench.begin()')
    // Its frame counter must be well above what the successor begins with.
    await until('some frames', () => this.chromium.evaluate('window.bench.samples.length > 30'))
    const before = await this.chromium.evaluate('window.bench.samples.at(-1).frame')
    const killed = Date.now()
    process.kill(pid, 'SIGKILL')
    const look = `window.bench.samples.find(({ at, frame }) => at > ${killed} && frame < ${before})?.at`
    const seen = await until('frames of the successor', () => this.chromium.evaluate(look))
    return {
      ms: seen - killed,
      own: await this.ownStart(instance.instance_id),
    }
  }

  async clickToFirstFrame() {
    await this.chromium.go(`${this.node.url}/`)
    await until('the button', () =>
      this.chromium.evaluate(`(() => {
        const button = [...document.querySelectorAll('button')].find((one) => one.textContent.trim() === 'Launch')
        if (!button || button.disabled) return false
        button.click()
        return true
      })()`),
    )
    return until('the first readable frame', () =>
      this.chromium.evaluate(`(() => {
        if (!location.pathname.startsWith('/stream/') || !window.bench?.firstMs) return null
        return performance.timeOrigin + window.bench.firstMs - Number(sessionStorage.clicked)
      })()`),
    )
  }

  /** From the newest start of a program to the moment at which it was ready, as the node's log tells. */
  async ownStart() {
    const lines = (await this.node.log()).split('\n').filter((line) => line.startsWith('{'))
    const log = lines.map((line) => JSON.parse(line))
    const at = (line) => Date.parse(line.timestamp)
    const started = log.findLast(({ fields }) => fields.message === 'program started')
    const ready = log.find((line) => at(line) >= at(started) && line.fields.state === 'Ready')
    return at(ready) - at(started)
  }

  keep(count) {
    return this.node.command({ command: 'set_standby', build: 'demo', count })
  }

  async nothingRuns() {
    await this.chromium.go('about:blank')
    const all = async () => (await this.node.admin('GET', '/admin/snapshot')).instances
    for (const { instance } of await all()) {
      await this.node.command({ command: 'stop', instance_id: instance.instance_id }).catch((error) => {
        // It may have gone by itself since it was listed.
        if (!error.message.includes('404')) throw error
      })
    }
    await until('nothing to run', async () => (await all()).length === 0)
  }

  async close() {
    await this.chromium.close()
    await this.node.close()
  }
}

// The benchmark `gpu`: an OpenGL program as an instance, drawn on the graphics card and by the processor in the same run; what the
// node says of the card beside what the driver's own tool says; and which encoder is used, and why. Without a card it says so.

import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'

import { Chromium } from './chromium.js'
import { median } from './figures.js'
import { belongTo, framesDecoded, untilPicture } from './page.js'
import { save, table } from './report.js'
import { TestNode, until } from '../harness.js'

const run = promisify(execFile)

const VIEW = { width: 1920, height: 1080 }
const FPS = 60
const FULL = { rates: 5, windowMs: 10_000, readings: 5 }
const QUICK = { rates: 2, windowMs: 3000, readings: 2 }

/** Programs that draw as fast as they can and say how fast, the better first: name, arguments, what they print. */
const PROGRAMS = [
  { name: 'glxspheres64', args: [], says: /([\d.]+) frames\/sec/ },
  { name: 'glxgears', args: ['-info'], says: /= ([\d.]+) FPS/ },
]
const FOLDERS = [...(process.env.PATH ?? '').split(':'), '/opt/VirtualGL/bin']

export async function gpuBench({ quick, only }) {
  if (only.length > 0) throw new Error('the benchmark `gpu` has no cases to choose from')
  const plan = quick ? QUICK : FULL
  const program = findProgram()
  const bench = await Drawn.on('hardware')
  let rows
  try {
    const { gpus } = await bench.health()
    if (gpus.state !== 'available') {
      console.log(`\nno GPU to measure: ${gpus.reason}\n`)
      return
    }
    rows = await bench.beside(plan, program)
  } finally {
    await bench.close()
  }
  console.log(`\n${table(rows.drawn, 'by the processor')}\n\n${table(rows.readings, 'nvidia-smi')}\n`)
  console.log(`written to ${await save('gpu', [...rows.drawn, ...rows.readings], { quick, program: program.name, ...plan })}`)
}

function findProgram() {
  for (const program of PROGRAMS) {
    const file = FOLDERS.map((folder) => path.join(folder, program.name)).find(executable)
    if (file) return { ...program, file }
  }
  throw new Error('no OpenGL program to measure with: install VirtualGL (glxspheres64) or `apt-get install mesa-utils`')
}

function executable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A node whose instances are drawn in one way, and one instance of the program on it. */
class Drawn {
  static async on(how) {
    const sets = [`graphics.mode="${how}"`, `instances.width=${VIEW.width}`, `instances.height=${VIEW.height}`, `instances.fps=${FPS}`]
    return new Drawn(await TestNode.start({ sets: [...sets, 'instances.slots=1'] }))
  }

  constructor(node) {
    this.node = node
  }

  snapshot() {
    return this.node.admin('GET', '/admin/snapshot')
  }

  async health() {
    return until('the first sample', async () => (await this.snapshot()).health)
  }

  /** The program on the card, then on a second node by the processor. */
  async beside(plan, program) {
    const onCard = await this.measure(plan, program)
    const readings = await this.readings(plan.readings)
    const other = await Drawn.on('software')
    try {
      const byProcessor = await other.measure(plan, program)
      return { drawn: compare(onCard, byProcessor), readings }
    } finally {
      await other.close()
    }
  }

  async measure(plan, program) {
    await this.launch(program)
    const chromium = await Chromium.launch(VIEW)
    try {
      await this.open(chromium)
      const decoded = await decodedPerSecond(chromium, plan.windowMs)
      const rates = await this.rates(plan.rates, program)
      const row = await this.row()
      const drawn = row.log_tail.find((line) => /renderer/i.test(line)) ?? 'the program does not say what draws it'
      console.log(`${drawn}; ${row.encoder.reason}`)
      return {
        program_frames_per_s: median(rates),
        stream_frames_per_s: decoded,
        program_cpu_cores: row.cpu_percent / 100,
        instance_gpu_memory: (row.gpu_memory_bytes ?? 0) / 2 ** 20,
      }
    } finally {
      await chromium.close()
    }
  }

  async launch({ name, file, args }) {
    // Line by line: into a pipe it would say nothing for minutes.
    const { build } = await this.node.command({ command: 'add_program', name, run: ['stdbuf', '-oL', file, ...args], env: {} })
    this.session = (await this.call('/sessions')).session_id
    this.instance = (await this.call('/instances', { build: build.id })).instance_id
    await until('the program to draw', async () => {
      const { instance } = await this.row()
      if (instance.state === 'failed') throw new Error(`the instance failed: ${instance.message}`)
      return instance.state === 'ready'
    })
  }

  async call(call, body) {
    const headers = { 'content-type': 'application/json', ...(this.session ? { authorization: `Bearer ${this.session}` } : {}) }
    const response = await fetch(`${this.node.url}/api/v1${call}`, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`POST ${call}: ${response.status} ${await response.text()}`)
    return response.json()
  }

  async row() {
    const { instances } = await this.snapshot()
    return instances.find((row) => row.instance.instance_id === this.instance)
  }

  async open(chromium) {
    await belongTo(chromium, this.node.url, this.session)
    await chromium.go(`${this.node.url}/stream/${this.instance}`)
    await untilPicture(chromium)
  }

  /** What the program prints of itself, as often as asked; a line counts once. */
  async rates(times, { says }) {
    const before = (await this.row()).log_tail.length
    const said = await until('the program to say how fast it draws', async () => {
      const lines = (await this.row()).log_tail.filter((line) => says.test(line))
      return lines.length >= times + 1 || (before > 0 && lines.length >= times) ? lines : undefined
    })
    return said.slice(-times).map((line) => Number(line.match(says)[1]))
  }

  /** What the node and the driver's own tool say, asked at the same time. */
  async readings(times) {
    const ours = []
    const theirs = []
    for (let i = 0; i < times; i++) {
      const [{ gpus }, told] = await Promise.all([this.health(), nvidiaSmi()])
      ours.push(gpus.gpus[0])
      theirs.push(told)
      await sleep(1000)
    }
    return READINGS.map(([figure, unit, of]) => {
      const value = median(ours.map(of))
      const baseline = median(theirs.map((told) => told[figure]))
      return { figure, case: ours[0].name, value, unit, baseline, ratio: value / baseline }
    })
  }

  close() {
    return this.node.close()
  }
}

const MIB = 2 ** 20
const READINGS = [
  ['memory.used', 'MiB', (gpu) => gpu.memory_used_bytes / MIB],
  ['memory.total', 'MiB', (gpu) => gpu.memory_total_bytes / MIB],
  ['utilization.gpu', '%', (gpu) => gpu.utilization_percent],
  ['temperature.gpu', '°C', (gpu) => gpu.temperature_celsius],
  ['power.draw', 'W', (gpu) => gpu.power_watts],
  ['enforced.power.limit', 'W', (gpu) => gpu.power_limit_watts],
  ['clocks.gr', 'MHz', (gpu) => gpu.graphics_clock_mhz],
]

async function nvidiaSmi() {
  const names = READINGS.map(([name]) => name)
  const { stdout } = await run('nvidia-smi', ['-i', '0', `--query-gpu=${names.join(',')}`, '--format=csv,noheader,nounits'])
  const values = stdout.trim().split(',').map(Number)
  return Object.fromEntries(names.map((name, i) => [name, values[i]]))
}

async function decodedPerSecond(chromium, windowMs) {
  const frames = async () => [performance.now(), await framesDecoded(chromium)]
  const [began, first] = await frames()
  await sleep(windowMs)
  const [ended, last] = await frames()
  return ((last - first) * 1000) / (ended - began)
}

function compare(onCard, byProcessor) {
  const units = { program_frames_per_s: '1/s', stream_frames_per_s: '1/s', program_cpu_cores: 'cores', instance_gpu_memory: 'MiB' }
  return Object.entries(units).map(([figure, unit]) => ({
    figure,
    case: `${VIEW.height}p${FPS}`,
    value: onCard[figure],
    unit,
    baseline: byProcessor[figure],
    ...(byProcessor[figure] > 0 ? { ratio: onCard[figure] / byProcessor[figure] } : {}),
  }))
}

// The benchmark `peers`: what one would pick instead, in turns with ours, read by the same browser: Selkies (both its ways, on the
// instance's own display) and TigerVNC with noVNC (an X server of its own, with the same program on it).

import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, readlink } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'

import { until } from '../harness.js'
import { Chromium } from './chromium.js'
import { median } from './figures.js'
import { inPage } from './inpage-source.js'
import { measure } from './measure.js'
import { Product } from './product.js'
import { save, table } from './report.js'

const run = promisify(execFile)
const SPEC = { width: 1280, height: 720, fps: 30, sourceFps: 29.9, kbps: 6000 }
const FULL = { rounds: 2, settleMs: 3000, windowMs: 15_000, presses: 30, pauseMs: 150 }
const QUICK = { rounds: 1, settleMs: 2000, windowMs: 5000, presses: 8, pauseMs: 100 }
const SELKIES = 'selkies==2.1.0'
const SELKIES_HOME = fileURLToPath(new URL('../../../target/bench/selkies', import.meta.url))
const UNITS = { glass_to_glass_p50: 'ms', glass_to_glass_p95: 'ms', input_to_photon_p50: 'ms', frames_per_s: '1/s', cpu_cores: 'cores', cpu_cores_browser: 'cores' }

export async function peersBench({ quick, only }) {
  const known = Object.keys(PEERS)
  const unknown = only.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new Error(`there is no case ${unknown.join(', ')}. There are: ${known.join(', ')}`)
  const plan = quick ? QUICK : FULL
  const wanted = known.filter((name) => only.length === 0 || only.includes(name))
  const product = await Product.start(SPEC)
  const rounds = { ours: [] }
  try {
    const script = await inPage()
    for (let round = 0; round < plan.rounds; round++) {
      rounds.ours.push(say('ours', await ours(product, script, plan)))
      for (const name of wanted) (rounds[name] ??= []).push(say(name, await PEERS[name](product, script, plan)))
    }
  } finally {
    await product.close()
  }
  const rows = wanted.flatMap((name) => beside(name, rounds.ours, rounds[name]))
  console.log(`\n${table(rows, 'the peer')}\n`)
  console.log(`written to ${await save('peers', rows, { quick, ...plan })}`)
}

const PEERS = {
  'selkies-websocket': (...all) => selkies('websockets', ...all),
  'selkies-webrtc': (...all) => selkies('webrtc', ...all),
  'tigervnc-novnc': tigerVnc,
}

/** A browser of its own for each, so that nothing of one page lives on beside the next. */
async function inBrowser(script, source, use) {
  const chromium = await Chromium.launch(SPEC)
  try {
    if (source) await chromium.atStart(`window.benchSource = ${JSON.stringify(source)}`)
    await chromium.atStart(script)
    return await use(chromium)
  } finally {
    await chromium.close()
  }
}

function ours(product, script, plan) {
  return inBrowser(script, null, async (chromium) => {
    await product.admit(chromium)
    await product.open(chromium)
    const roots = new Map([[product.node.child.pid, 'streamer'], [(await product.row()).pid, 'app'], [chromium.pid, 'browser']])
    const figures = await measure(chromium, roots, plan)
    await product.leave(chromium)
    return figures
  })
}

/** Opens a peer's page, waits for a barcode, measures. `pids`: what it runs as. */
function theirs(script, source, url, pids, plan) {
  return inBrowser(script, source, async (chromium) => {
    await chromium.go(url)
    await until('the peer’s picture', () => chromium.evaluate('window.bench.firstMs !== null'))
    const roots = new Map([...pids.map((pid) => [pid, 'streamer']), [chromium.pid, 'browser']])
    return measure(chromium, roots, plan)
  })
}

async function selkies(mode, product, script, plan) {
  await installSelkies()
  const { display, authority } = await product.display()
  const port = await freePort()
  const flags = [
    ['addr', '127.0.0.1'], ['port', port], ['mode', mode], ['audio-enabled', 'false'], ['microphone-enabled', 'false'],
    ['enable-https', 'false'], ['enable-basic-auth', 'false'], ['framerate', SPEC.fps], ['manual-width', SPEC.width],
    ['manual-height', SPEC.height], ['ui-show-sidebar', 'false'],
  ].map(([name, value]) => `--${name}=${value}`)
  const child = begin(path.join(SELKIES_HOME, 'bin/selkies'), flags, { DISPLAY: display, XAUTHORITY: authority })
  try {
    await listening(port, child)
    return await theirs(script, 'video, canvas', `http://127.0.0.1:${port}/`, [child.pid], plan)
  } finally {
    await end(child)
  }
}

async function installSelkies() {
  if (existsSync(path.join(SELKIES_HOME, 'bin/selkies'))) return
  await run('python3', ['-m', 'venv', SELKIES_HOME])
  await run(path.join(SELKIES_HOME, 'bin/pip'), ['install', '--quiet', SELKIES])
}

async function tigerVnc(product, script, plan) {
  const [rfb, web] = [await freePort(), await freePort()]
  const display = await freeDisplay()
  const server = begin('Xtigervnc', [display, '-geometry', `${SPEC.width}x${SPEC.height}`, '-depth', '24', '-SecurityTypes', 'None', '-localhost', '-rfbport', String(rfb)])
  const bridge = begin('websockify', ['--web', '/usr/share/novnc', `127.0.0.1:${web}`, `127.0.0.1:${rfb}`])
  let donor
  let program
  try {
    await Promise.all([listening(rfb, server), listening(web, bridge)])
    donor = await Product.start(SPEC)
    program = await moved(donor, display)
    const url = `http://127.0.0.1:${web}/vnc_lite.html?host=127.0.0.1&port=${web}&scale=false`
    return await theirs(script, 'canvas', url, [server.pid, bridge.pid], plan)
  } finally {
    for (const child of [program, bridge, server]) if (child) await end(child)
    await donor?.close()
  }
}

/** The program of an instance, started once more on another display, after its node was killed and left everything as it was. */
async function moved(donor, display) {
  const { pid } = await donor.row()
  const words = async (name) => (await readFile(`/proc/${pid}/${name}`, 'utf8')).split('\0').filter(Boolean)
  const [[program, ...args], lines, cwd] = [await words('cmdline'), await words('environ'), await readlink(`/proc/${pid}/cwd`)]
  const env = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
  await donor.node.kill()
  process.kill(pid, 'SIGKILL')
  delete env.XAUTHORITY
  await until('the program’s port', () => !existsSync(`/proc/${pid}`) || readlink(`/proc/${pid}/exe`).then(() => false, () => true))
  return spawn(program, args, { cwd, env: { ...env, DISPLAY: display }, stdio: 'ignore' })
}

function begin(program, args, env = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  child.said = ''
  for (const pipe of [child.stdout, child.stderr]) pipe.setEncoding('utf8').on('data', (text) => (child.said = (child.said + text).slice(-2000)))
  child.ended = new Promise((resolve) => child.once('exit', resolve))
  child.once('error', (error) => (child.said += error.message))
  return child
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill()
  await Promise.race([ended, sleep(3000).then(() => child.kill('SIGKILL'))])
  await ended
}

function listening(port, child) {
  return until(`port ${port}`, () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${child.said}`)
    return new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  })
}

async function freePort() {
  const server = net.createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function freeDisplay() {
  for (let number = 80; ; number++) if (!existsSync(`/tmp/.X11-unix/X${number}`) && !existsSync(`/tmp/.X${number}-lock`)) return `:${number}`
}

function beside(name, ours, peer) {
  return Object.entries(UNITS).map(([figure, unit]) => {
    const over = (rounds) => median(rounds.map((round) => round[figure]).filter(Number.isFinite))
    const [value, baseline] = [over(ours), over(peer)]
    return { figure, case: name, value, unit, baseline, ratio: value / baseline }
  })
}

function say(name, figures) {
  const shown = Object.keys(UNITS).map((figure) => `${figure} ${figures[figure]?.toFixed(2)}`)
  console.log(`${name}: ${shown.join(', ')}; others used ${figures.cpu_cores_others.toFixed(2)} cores`)
  return figures
}

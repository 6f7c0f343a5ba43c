// A real node and a real Chromium for the stories: each node in a folder of its own, on free ports.

import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, open, readdir } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createServer } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect, isDeepStrictEqual, promisify } from 'node:util'
import { chromium } from 'playwright-core'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
export const programs = process.env.OPENSPACE_WEBRTC_PROGRAMS ?? path.join(root, 'target/debug')
const upWithinMs = 60_000
/** A state that is waited for in a page. What a busy machine takes is no matter: only what never comes is a failure. */
const patienceMs = 60_000
export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** A port of this computer that nobody has now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** Waits for a state, never for a while: `look` answers undefined until it is there. */
export async function until(what, look, withinMs = patienceMs) {
  const deadline = Date.now() + withinMs
  let last
  for (;;) {
    const seen = await Promise.resolve()
      .then(look)
      .catch((error) => {
        last = error
        return undefined
      })
    if (seen !== undefined && seen !== false && seen !== null) return seen
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}${last ? `: ${last.message}` : ''}`)
    await sleep(50)
  }
}

/** Waits for it to be equal to what is wanted; where it never is, what it was instead is said. */
export async function untilIs(what, look, wanted) {
  let seen
  const equals = async () => isDeepStrictEqual((seen = await look()), wanted)
  await until(what, equals).catch((error) => {
    throw new Error(`${error.message}; it is ${inspect(seen)}`)
  })
}

export class TestNode {
  /** `on`: what its command line begins with, to run on another computer than this; see rig/machines.js. */
  static async start({ sets = [], env = {}, on = [] } = {}) {
    const data = await mkdtemp(path.join(tmpdir(), 'openspace-webrtc-'))
    const node = new TestNode(data, sets, env, on)
    await node.up()
    return node
  }

  constructor(data, sets, env, on) {
    Object.assign(this, { data, sets, env, on, ports: undefined, child: undefined })
  }

  /** Starts it, or starts it again on the same folder and the same ports. */
  async up() {
    const program = path.join(programs, 'openspace-webrtc-node')
    if (!existsSync(program)) throw new Error(`${program} is not built: run \`cargo build --workspace\``)
    const { http, https, media, relay } = this.ports ?? { http: 0, https: 0, media: 0 }
    const ports = { http, https, media, relay: relay ?? 0 }
    const sets = Object.entries(ports).map(([key, port]) => `${key}.port=${port}`)
    // Where the stories run may well be a cloud.
    const always = ['supervisor.port=0', 'server.metadata=']
    const settings = [...sets, ...always, ...this.sets].flatMap((set) => ['--set', set])
    const file = path.join(this.data, 'ports.json')
    await rm(file, { force: true })
    const log = await open(path.join(this.data, 'node.log'), 'a')
    const env = { ...process.env, ...this.env }
    delete env.DISPLAY
    const [first, ...rest] = [...this.on, program, '--data-dir', this.data, ...settings]
    this.child = spawn(first, rest, { env, stdio: ['ignore', log.fd, log.fd] })
    await log.close()
    const text = await until('ports.json', async () => {
      if (this.child.exitCode !== null) throw new Error(`the node ended:\n${await this.log()}`)
      return readFile(file, 'utf8')
    }, upWithinMs)
    this.ports = JSON.parse(text)
    this.url = `http://127.0.0.1:${this.ports.http}`
  }

  log() {
    return readFile(path.join(this.data, 'node.log'), 'utf8')
  }

  /** kill -9: no time to clean up. */
  async kill() {
    await this.end('SIGKILL')
  }

  async end(signal) {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill(signal)
    await ended
  }

  async close() {
    await this.end('SIGTERM')
    await endEverythingIn(this.data)
    await rm(this.data, { recursive: true, force: true })
  }

  async admin(method, call, body) {
    const token = (await readFile(path.join(this.data, 'admin.token'), 'utf8')).trim()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }
    const { ok, status, text } = await this.fetch(`${this.url}/api/v1${call}`, request)
    if (!ok) throw new Error(`${method} ${call}: ${status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  /** From the computer that it runs on. */
  async fetch(...request) {
    if (this.on.length === 0) return fetchText(...request)
    const script = `(${fetchText})(...${JSON.stringify(request)}).then((answer) => console.log(JSON.stringify(answer)))`
    const [first, ...rest] = [...this.on, process.execPath, '-e', script]
    return JSON.parse((await promisify(execFile)(first, rest)).stdout)
  }

  command(command) {
    return this.admin('POST', '/admin/commands', command)
  }

  async pidOf(instanceId) {
    const snapshot = await this.admin('GET', '/admin/snapshot')
    return snapshot.instances.find((row) => row.instance.instance_id === instanceId)?.pid
  }
}

async function fetchText(...request) {
  const response = await fetch(...request)
  return { ok: response.ok, status: response.status, text: await response.text() }
}

/** Kills what carries the folder in its command line or environment: this test's displays and programs only. */
async function endEverythingIn(folder) {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const read = (name) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '')
    const [line, env] = await Promise.all([read('cmdline'), read('environ')])
    if (line.includes(folder) || env.includes(folder)) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {
        // It ended by itself meanwhile.
      }
    }
  }
}

/** Pages may play by themselves, unless the story is about what they may. */
export async function launchBrowser({ executablePath = chromiumPath, autoplay = 'no-user-gesture-required' } = {}) {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--autoplay-policy=${autoplay}`,
    ],
  })
}

/** With `SCREENSHOTS` set to a folder, what is seen is kept there for people to look at. */
export async function look(page, name) {
  const folder = process.env.SCREENSHOTS
  if (!folder) return
  for (const [size, width, height] of [['wide', 1280, 800], ['narrow', 390, 844]]) {
    await page.setViewportSize({ width, height })
    for (const scheme of ['light', 'dark']) {
      await page.evaluate((scheme) => document.documentElement.setAttribute('data-mantine-color-scheme', scheme), scheme)
      await page.screenshot({ path: `${folder}/${name}-${size}-${scheme}.png` })
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 })
}

/** A person's browser: its own localStorage, and every console error is a failure that `problems` holds. */
export async function person(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ignoreHTTPSErrors: true, ...options })
  context.setDefaultTimeout(patienceMs)
  const page = await context.newPage()
  const problems = []
  page.on('pageerror', (error) => problems.push(String(error)))
  return { context, page, problems }
}

/** Launches from the home page and waits for the picture. The answer is the instance's id. */
export async function launch(page, home) {
  await page.goto(home)
  await page.getByRole('button', { name: /^launch/i }).click()
  await page.waitForURL(/\/stream\/[0-9a-f-]{36}/)
  await untilPhase(page, 'live')
  return page.url().match(/stream\/([0-9a-f-]{36})/)[1]
}

/** Launches a build that is not the first on the home page, and opens its stream. */
export async function launchBuild(page, home, build) {
  await page.goto(home)
  await until('a session', () => page.evaluate(() => localStorage.session_id))
  const { instance_id: id } = await asThemselves(page, '/instances', { build })
  await page.goto(new URL(`/stream/${id}`, home).href)
  return id
}

/** The address that a link of this role leads to, made by whoever looks at the page. */
export async function invite(page, id, role) {
  const { url } = await asThemselves(page, `/instances/${id}/invites`, { role })
  return new URL(url, page.url()).href
}

/** Posts as the page does. */
function asThemselves(page, call, body) {
  return page.evaluate(async ([call, body]) => {
    const response = await fetch(`/api/v1${call}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${localStorage.session_id}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(await response.text())
    return response.json()
  }, [call, body])
}

/** For `addInitScript`: keeps the newest connection as `window.newestPeer`, for its figures. */
export function keepPeers() {
  const Plain = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Plain {
    constructor(...options) {
      super(...options)
      window.newestPeer = this
    }
  }
}

/** What the browser tells of the picture that it receives. After `keepPeers`. */
export const pictureReport = (page) =>
  page.evaluate(async () => {
    const reports = [...(await window.newestPeer.getStats()).values()]
    return reports.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video')
  })

/** For `addInitScript`: keeps what the channel `state` said last as `window.told`, as any program beside our page would. */
export function listenToScene() {
  const Plain = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Plain {
    constructor(...options) {
      super(...options)
      this.addEventListener('datachannel', ({ channel }) => {
        if (channel.label === 'state') channel.addEventListener('message', ({ data }) => (window.told = JSON.parse(data)))
      })
    }
  }
}

export function phase(page) {
  return page.evaluate(() => document.documentElement.dataset.phase)
}

export function untilPhase(page, wanted, withinMs) {
  return until(`phase ${wanted}`, async () => (await phase(page)) === wanted, withinMs)
}

const readerSource = (await readFile(path.join(root, 'tests/browser/barcode.js'), 'utf8')).replaceAll(/^export /gm, '')

/** Installs the barcode's reader in the page: `window.readFrame()` → {t, frame, input} or null. */
export async function installReader(page) {
  // As an expression, not as a module: the page's own rules let nothing else in, and they stay on.
  await page.evaluate(`(() => {
    ${readerSource}
    const canvas = document.createElement('canvas')
    const context = canvas.getContext('2d', { willReadFrequently: true })
    window.readFrame = () => {
      const video = document.querySelector('video#stream')
      if (!video || video.videoWidth === 0) return null
      canvas.width = video.videoWidth
      canvas.height = video.videoHeight
      context.drawImage(video, 0, 0)
      const picture = context.getImageData(0, 0, canvas.width, canvas.height)
      return readBarcode(picture, canvas.width, canvas.height)
    }
  })()`)
}

export function frame(page) {
  return page.evaluate(() => window.readFrame?.() ?? null)
}

/** Two readings, the second later than the first: the picture moves. */
export async function framesRise(page, withinMs) {
  const first = await until('a readable frame', () => frame(page), withinMs)
  const later = await until('a later frame', async () => {
    const seen = await frame(page)
    return seen && seen.frame > first.frame ? seen : undefined
  }, withinMs)
  return { first, later }
}

/** The mean colour and spread of the video's picture, for programs without a barcode. */
export function picture(page) {
  return page.evaluate(() => {
    const video = document.querySelector('video#stream')
    if (!video || video.videoWidth === 0) return null
    const canvas = new OffscreenCanvas(64, 36)
    const context = canvas.getContext('2d')
    context.drawImage(video, 0, 0, 64, 36)
    return Array.from(context.getImageData(0, 0, 64, 36).data)
  })
}

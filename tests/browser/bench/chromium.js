// A Chromium that is driven over a plain DevTools pipe. No library in between, and no network domain: Playwright's copies every
// WebSocket message into its own process, which shows in latencies.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { until } from '../harness.js'

const FLAGS = [
  '--headless=new',
  '--remote-debugging-pipe',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-extensions',
  '--disable-sync',
  '--mute-audio',
  '--autoplay-policy=no-user-gesture-required',
  // The plain path's ICE library resolves no mDNS names. Ours needs none.
  '--disable-features=WebRtcHideLocalIpsWithMdns,Translate,MediaRouter,OptimizationHints',
]

export class Chromium {
  static async launch({ width, height }) {
    const profile = await mkdtemp(path.join(tmpdir(), 'openspace-webrtc-chromium-'))
    const chromium = new Chromium(profile, width, height)
    await chromium.openPage(width, height)
    return chromium
  }

  constructor(profile, width, height) {
    this.profile = profile
    this.waiting = new Map()
    this.lastId = 0
    this.rest = ''
    const flags = [...FLAGS, `--user-data-dir=${profile}`, `--window-size=${width},${height}`, 'about:blank']
    this.child = spawn(process.env.CHROMIUM ?? '/usr/bin/chromium', flags, {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    this.ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.stdio[4].setEncoding('utf8').on('data', (text) => this.hear(text))
    this.child.once('error', (error) => this.fail(error))
    this.child.once('exit', () => this.fail(new Error('Chromium ended')))
  }

  get pid() {
    return this.child.pid
  }

  async openPage(width, height) {
    // The tab that is there already: a second one might end up behind it, and a page in the background shows no frames.
    const { targetId } = await until('the first tab', async () => {
      const { targetInfos } = await this.send('Target.getTargets')
      return targetInfos.find(({ type }) => type === 'page')
    })
    this.session = (await this.send('Target.attachToTarget', { targetId, flatten: true })).sessionId
    await this.page('Page.enable')
    await this.page('Page.bringToFront')
    await this.page('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
  }

  /** To the browser. */
  send(method, params = {}, sessionId = undefined) {
    const id = ++this.lastId
    this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject, method }))
  }

  /** To the page. */
  page(method, params) {
    return this.send(method, params, this.session)
  }

  /** What the browser tells of itself from now on, in these categories. Ends with `endTrace`, which gives the events. */
  beginTrace(categories) {
    this.traced = []
    this.traceEnded = new Promise((resolve) => (this.endOfTrace = resolve))
    return this.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: categories } })
  }

  async endTrace() {
    await this.send('Tracing.end')
    await this.traceEnded
    return this.traced
  }

  async evaluate(expression) {
    const answer = await this.page('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
    if (answer.exceptionDetails) {
      throw new Error(`in the page: ${answer.exceptionDetails.exception?.description ?? answer.exceptionDetails.text}`)
    }
    return answer.result.value
  }

  /** Runs before anything else in every document from now on. */
  atStart(source) {
    return this.page('Page.addScriptToEvaluateOnNewDocument', { source })
  }

  go(url) {
    return this.page('Page.navigate', { url })
  }

  reload() {
    return this.page('Page.reload')
  }

  mouse(type, x, y) {
    const buttons = type === 'mousePressed' ? 1 : 0
    const button = type === 'mouseMoved' ? 'none' : 'left'
    return this.page('Input.dispatchMouseEvent', { type, x, y, button, buttons, clickCount: 1, pointerType: 'mouse' })
  }

  hear(text) {
    const messages = (this.rest + text).split('\0')
    this.rest = messages.pop()
    for (const message of messages.map((message) => JSON.parse(message))) {
      if (message.method === 'Tracing.dataCollected') this.traced.push(...message.params.value)
      if (message.method === 'Tracing.tracingComplete') this.endOfTrace()
      const asked = this.waiting.get(message.id)
      if (!asked) continue
      this.waiting.delete(message.id)
      if (message.error) asked.reject(new Error(`${asked.method}: ${message.error.message}`))
      else asked.resolve(message.result)
    }
  }

  fail(error) {
    for (const { reject } of this.waiting.values()) reject(error)
    this.waiting.clear()
  }

  async close() {
    if (this.child.exitCode === null) this.child.kill()
    await this.ended
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

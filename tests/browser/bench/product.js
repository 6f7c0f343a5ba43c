// The product as it is shipped: a node, one instance of the demo renderer with its barcode, and the real stream page.

import path from 'node:path'

import { TestNode, until } from '../harness.js'
import { Chromium } from './chromium.js'
import { inPage } from './inpage-source.js'
import { belongTo } from './page.js'

/** Capture and encoder outlive the last viewer so long: a reload finds them running, the plain path does not. */
const LINGER_S = 2

export class Product {
  /** `env`: what the demo is told besides. */
  static async start({ width, height, fps, sourceFps, kbps, env: more = {} }) {
    const sets = [
      `instances.width=${width}`,
      `instances.height=${height}`,
      `instances.fps=${fps}`,
      'instances.slots=1',
      `stream.linger_s=${LINGER_S}`,
      // More than the plain path gets would buy quality with processor time and packets.
      `stream.bitrate_kbps=${kbps}`,
      `stream.bitrate_max_kbps=${kbps}`,
    ]
    const env = { OPENSPACE_DEMO_BARCODE: '1', OPENSPACE_DEMO_FPS: String(sourceFps), ...more }
    const product = new Product(await TestNode.start({ sets, env }))
    await product.launch()
    return product
  }

  constructor(node) {
    this.node = node
  }

  async launch(what = {}) {
    this.session ??= (await this.call('POST', '/sessions')).session_id
    this.instance = (await this.call('POST', '/instances', what)).instance_id
    await until('the instance to be ready', async () => {
      const { state, message } = await this.call('GET', `/instances/${this.instance}`)
      if (state === 'failed') throw new Error(`the instance failed: ${message}`)
      return state === 'ready'
    })
  }

  async call(method, call, body) {
    const response = await fetch(`${this.node.url}/api/v1${call}`, {
      method,
      headers: { 'content-type': 'application/json', ...(this.session ? { authorization: `Bearer ${this.session}` } : {}) },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${call}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  get url() {
    return `${this.node.url}/stream/${this.instance}`
  }

  /** The row of the panel: display, process, stream. */
  async row() {
    const snapshot = await this.node.admin('GET', '/admin/snapshot')
    return snapshot.instances.find((row) => row.instance.instance_id === this.instance)
  }

  async display() {
    const { display } = await this.row()
    return { display, authority: path.join(this.node.data, 'instances', this.instance, 'Xauthority') }
  }

  /** Makes the browser the owner's, and has it see the home page once, as everybody does who comes to a stream. */
  async admit(chromium) {
    const { origin } = new URL(this.node.url)
    await belongTo(chromium, origin, this.session)
    await chromium.go(this.node.url)
    await until('the home page', () => chromium.evaluate(`location.origin === '${origin}' && document.readyState === 'complete'`))
    await chromium.go('about:blank')
  }

  /** Opens the stream page and returns the milliseconds from the start of the navigation to the first readable frame. */
  async open(chromium) {
    await chromium.go(this.url)
    return firstFrame(chromium)
  }

  async reload(chromium) {
    await chromium.evaluate('window.left = true')
    await chromium.reload()
    await until('the new document', () => chromium.evaluate('window.left !== true'))
    return firstFrame(chromium)
  }

  /** Leaves the page, and returns when capture and encoder have ended too. */
  async leave(chromium) {
    await chromium.go('about:blank')
    await until('the end of the capture', async () => !(await this.row()).stream)
  }

  close() {
    return this.node.close()
  }
}

/** One of `spec` and a browser that is its owner's; both are closed when `use` is over. `atStart`: more that each page runs. */
export async function inOwnersBrowser(spec, use, atStart = []) {
  const open = []
  try {
    const product = await Product.start(spec)
    open.push(product)
    const chromium = await Chromium.launch(spec)
    open.push(chromium)
    for (const script of [await inPage(), ...atStart]) await chromium.atStart(script)
    await product.admit(chromium)
    return await use(product, chromium)
  } finally {
    for (const one of open.reverse()) await one.close()
  }
}

function firstFrame(chromium) {
  return until('the first readable frame', async () => {
    const { firstMs, ...state } = await chromium.evaluate(`({
      firstMs: window.bench?.firstMs ?? null,
      phase: document.documentElement.dataset.phase,
      visibility: document.visibilityState,
    })`)
    if (firstMs === null) throw new Error(JSON.stringify(state))
    return firstMs
  })
}

// The plain path, run on the display of an instance: `plain.py`, and a bare page that shows what it sends.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import path from 'node:path'

import { until } from '../harness.js'

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname)

const PAGE = `<!doctype html><title>plain</title>
<style>body { margin: 0; background: #000 } video { width: 100vw; height: 100vh; display: block }</style>
<video id="stream" autoplay muted playsinline></video>
<script>
  const video = document.querySelector('video')
  const peer = new RTCPeerConnection()
  let channel = null
  window.mine = []
  peer.ontrack = (event) => (video.srcObject = new MediaStream([event.track]))
  peer.onicecandidate = ({ candidate }) => candidate && mine.push({ candidate: candidate.candidate, line: candidate.sdpMLineIndex })
  peer.ondatachannel = (event) => (channel = event.channel)
  window.answer = async (sdp) => {
    await peer.setRemoteDescription({ type: 'offer', sdp })
    await peer.setLocalDescription(await peer.createAnswer())
    return peer.localDescription.sdp
  }
  window.theirs = (candidate, sdpMLineIndex) => peer.addIceCandidate({ candidate, sdpMLineIndex })
  window.canPress = () => channel?.readyState === 'open'
  addEventListener('pointerdown', () => channel?.send('down'))
  addEventListener('pointerup', () => channel?.send('up'))
</script>`

export class Plain {
  /** Starts the sender and connects the page to it; returns when frames can be read. */
  static async start(chromium, { display, authority, width, height, fps, kbps }) {
    const env = { ...process.env, DISPLAY: display, XAUTHORITY: authority }
    const numbers = [width, height, fps, kbps].map(String)
    // The system's own Python: GStreamer's bindings are Debian packages.
    const child = spawn('/usr/bin/python3', [path.join(here, 'plain.py'), ...numbers], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    const plain = new Plain(child, chromium)
    await chromium.go(`data:text/html,${encodeURIComponent(PAGE)}`)
    await until('the bare page', () => chromium.evaluate(`typeof window.answer === 'function'`))
    await Promise.race([plain.connect(), plain.broke()])
    return plain
  }

  constructor(child, chromium) {
    Object.assign(this, { child, chromium, complaint: '', heard: [] })
    this.ended = new Promise((resolve) => child.once('exit', resolve))
    child.stderr.setEncoding('utf8').on('data', (text) => (this.complaint = (this.complaint + text).slice(-2000)))
    createInterface({ input: child.stdout }).on('line', (line) => this.heard.push(JSON.parse(line)))
  }

  get pid() {
    return this.child.pid
  }

  async connect() {
    const page = this.chromium
    const { offer } = await until('the plain path’s offer', () => this.heard.find((message) => message.offer))
    this.say({ answer: await page.evaluate(`answer(${JSON.stringify(offer)})`) })
    await until('the plain path’s picture', async () => {
      await this.trickle()
      return page.evaluate('bench.firstMs !== null && canPress()')
    })
  }

  async broke() {
    await this.ended
    throw new Error(`plain.py ended: ${this.complaint}`)
  }

  async trickle() {
    for (const { candidate, line } of this.heard.splice(0).filter((message) => message.candidate)) {
      await this.chromium.evaluate(`theirs(${JSON.stringify(candidate)}, ${line})`)
    }
    for (const mine of await this.chromium.evaluate('mine.splice(0)')) this.say(mine)
  }

  say(message) {
    this.child.stdin.write(`${JSON.stringify(message)}\n`)
  }

  async close() {
    this.child.stdin.end()
    const late = setTimeout(() => this.child.kill('SIGKILL'), 3000)
    await this.ended
    clearTimeout(late)
    await this.chromium.go('about:blank')
  }
}

// The shaper as a process of its own, and the way into it for a page.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A description whose only candidate is UDP at this port. Also runs in pages, so that it uses nothing from outside itself. */
function leadThrough(sdp, port) {
  let first = true
  const lines = sdp.split('\r\n').flatMap((line) => {
    if (!line.startsWith('a=candidate:')) return [line]
    const parts = line.split(' ')
    if (parts[2].toLowerCase() !== 'udp' || !first) return []
    first = false
    parts[4] = '127.0.0.1'
    parts[5] = String(port)
    return [parts.join(' ')]
  })
  return lines.join('\r\n')
}

export class Shaper {
  static async start(to, profile, seed = 1) {
    const shaper = new Shaper(to, profile, seed)
    shaper.port = (await shaper.answered()).port
    return shaper
  }

  constructor(to, profile, seed) {
    const program = fileURLToPath(new URL('shaper.js', import.meta.url))
    const flags = ['--to', String(to), '--profile', profile, '--seed', String(seed)]
    this.child = spawn(process.execPath, [program, ...flags], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.waiting = []
    this.said = []
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line)
      const next = this.waiting.shift()
      if (next) next.resolve(answer)
      else this.said.push(answer)
    })
    this.child.once('exit', () => this.waiting.splice(0).forEach(({ reject }) => reject(new Error('the shaper ended'))))
  }

  answered() {
    if (this.said.length > 0) return Promise.resolve(this.said.shift())
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }

  ask(line) {
    this.child.stdin.write(`${line}\n`)
    return this.answered()
  }

  profile(name) {
    return this.ask(`profile ${name}`)
  }

  restart() {
    return this.ask('restart')
  }

  counts() {
    return this.ask('counts')
  }

  /**
   * Runs in the page before anything else: offers lead through the shaper, by UDP alone. The media port does not look at a viewer's own
   * candidates, so that nothing leads around it.
   */
  get reroute() {
    return `{
      const lead = ${leadThrough}
      const set = RTCPeerConnection.prototype.setRemoteDescription
      RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
        return set.call(this, { type, sdp: lead(sdp, ${this.port}) })
      }
    }`
  }

  /** The same for whoever holds a description in hand. */
  through(sdp) {
    return leadThrough(sdp, this.port)
  }

  close() {
    this.child.stdin.end()
    this.child.kill()
  }
}

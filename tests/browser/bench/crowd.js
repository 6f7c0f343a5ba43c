// Light viewers beside the browser: the example `crowd` has their WebRTC, this speaks WHEP for them.

import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'

import { programs } from '../harness.js'

export class Crowd {
  /** `url` of the node, `instance`, and whatever lets one watch as bearer. */
  constructor(url, instance, token) {
    Object.assign(this, { url, whep: `${url}/whep/${instance}`, token, sessions: new Map() })
    this.child = spawn(path.join(programs, 'examples/crowd'), [], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.waiting = []
    createInterface({ input: this.child.stdout }).on('line', (line) => this.waiting.shift()?.resolve(JSON.parse(line)))
    this.child.once('exit', () => this.waiting.splice(0).forEach(({ reject }) => reject(new Error('the crowd ended'))))
  }

  say(command) {
    this.child.stdin.write(`${JSON.stringify(command)}\n`)
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }

  /** One more viewer; `way` may change the answer, so that its packets take another way. Returns its number. */
  async join(way = (sdp) => sdp) {
    const { viewer, offer } = await this.say({ do: 'join' })
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/sdp' }
    const response = await fetch(this.whep, { method: 'POST', headers, body: offer })
    const text = await response.text()
    if (response.status !== 201) throw new Error(`a viewer was refused: ${response.status} ${text}`)
    await this.say({ do: 'accept', viewer, answer: way(text) })
    this.sessions.set(viewer, response.headers.get('location'))
    return viewer
  }

  /** With a word, or without one as a browser that crashed. */
  async leave(viewer, { silently = false } = {}) {
    const at = new URL(this.sessions.get(viewer), this.url)
    this.sessions.delete(viewer)
    if (!silently) await fetch(at, { method: 'DELETE', headers: { authorization: `Bearer ${this.token}` } })
    await this.say({ do: 'leave', viewer })
  }

  /** Viewer → frames and keyframes so far. */
  counts() {
    return this.say({ do: 'counts' })
  }

  async close() {
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.stdin.end()
    await ended
  }
}

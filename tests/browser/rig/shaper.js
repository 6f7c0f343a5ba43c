// A network between a viewer and the media port: UDP in, UDP out, shaped by a profile. No root, no kernel module.
//
//   node shaper.js --to PORT --profile NAME [--seed N]
//
// Prints `{"port": N}` first. Lines on its standard input: `profile NAME`, `restart` (the profile's clock begins now), `counts`; each is
// answered by one line of JSON.

import { createSocket } from 'node:dgram'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

import { Link } from './link.js'
import { PROFILES } from './profiles.js'

const HOST = '127.0.0.1'
/** Timers of the system count milliseconds: what is due within this leaves now. */
const GRAIN_MS = 0.5

const { values } = parseArgs({ options: { to: { type: 'string' }, profile: { type: 'string' }, seed: { type: 'string', default: '1' } } })
const to = Number(values.to)

/** Datagrams on their way in one direction, in the order of their arrival. */
class Way {
  constructor(link) {
    this.link = link
    this.waiting = []
    this.timer = undefined
  }

  post(bytes, deliver) {
    const now = performance.now()
    const at = this.link.carry(now, bytes.length + 28)
    if (at === null) return
    let place = this.waiting.length
    while (place > 0 && this.waiting[place - 1].at > at) place -= 1
    this.waiting.splice(place, 0, { at, bytes, deliver })
    this.turn(now)
  }

  turn(now) {
    while (this.waiting.length > 0 && this.waiting[0].at <= now + GRAIN_MS) {
      const { bytes, deliver } = this.waiting.shift()
      deliver(bytes)
    }
    clearTimeout(this.timer)
    if (this.waiting.length > 0) {
      this.timer = setTimeout(() => this.turn(performance.now()), Math.max(0, this.waiting[0].at - now - GRAIN_MS))
    }
  }
}

const seed = Number(values.seed)
let down = wayOf(values.profile, 'down')
let up = wayOf(values.profile, 'up')

function wayOf(name, direction) {
  const profile = PROFILES[name]
  if (!profile) throw new Error(`there is no profile ${name}. There are: ${Object.keys(PROFILES).join(', ')}`)
  const startMs = performance.now()
  if (direction === 'down') return new Way(new Link(profile, { seed, startMs }))
  // What a viewer says is little: it is seldom lost, unless everything is.
  const loss = profile.loss === 1 ? 1 : 0
  return new Way(new Link({ ...profile, kbps: [[0, profile.kbps_up]], loss }, { seed: seed + 1, startMs }))
}

const outside = createSocket('udp4')
/** One socket towards the port for each address that a viewer sends from. */
const inside = new Map()

outside.on('message', (message, { address, port }) => {
  const socket = insideOf(address, port)
  up.post(message, (bytes) => socket.send(bytes, to, HOST))
})

function insideOf(address, port) {
  const key = `${address} ${port}`
  const known = inside.get(key)
  if (known) return known
  const socket = createSocket('udp4')
  socket.on('message', (message) => down.post(message, (bytes) => outside.send(bytes, port, address)))
  socket.on('error', () => {})
  socket.bind(0, HOST)
  inside.set(key, socket)
  return socket
}

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [command, name] = line.split(' ')
    if (command === 'profile') {
      const link = (direction) => wayOf(name, direction).link
      // What is under way arrives.
      down.link = link('down')
      up.link = link('up')
    } else if (command === 'restart') {
      for (const way of [down, up]) way.link.restart(performance.now())
    }
    answer({ down: down.link.counts, up: up.link.counts, queue_ms: down.link.queueMs(performance.now()) })
  })
  .on('close', () => process.exit(0))

outside.bind(0, HOST, () => {
  outside.setRecvBufferSize(1 << 20)
  outside.setSendBufferSize(1 << 20)
  answer({ port: outside.address().port })
})

// Computers for a fleet: each a network namespace of its own with one cable to a switch, where the registry stands. Where namespaces cannot
// be made (they want root), all stand on this computer's loopback, and a machine is cut off by stopping its node instead of its cable.

import { execFile } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

import { chromiumPath } from '../harness.js'

const run = promisify(execFile)
const NET = '10.117.0'
/** Where a guest's computer stands, which has a cable to one machine only. */
const OUTSIDE = '10.118.0'

export class Machines {
  /** `reason` says why there are no namespaces, where there are none. */
  static async of(names) {
    const machines = new Machines(names)
    try {
      await machines.lay()
    } catch (error) {
      await machines.close()
      machines.reason = (error.stderr || error.message).trim()
    }
    return machines
  }

  constructor(names) {
    const tag = `osw${process.pid}`
    const one = (name, nth) => ({ name, ns: `${tag}-${nth}`, cable: `${tag}v${nth}`, address: `${NET}.${nth + 2}` })
    Object.assign(this, { hub: `${tag}-hub`, machines: names.map(one), reason: undefined })
  }

  async lay() {
    const ip = (...args) => run('ip', args)
    const inside = (ns, ...args) => ip('-n', ns, ...args)
    await ip('netns', 'add', this.hub)
    await inside(this.hub, 'link', 'add', 'switch', 'type', 'bridge')
    await inside(this.hub, 'addr', 'add', `${NET}.1/24`, 'dev', 'switch')
    for (const device of ['switch', 'lo']) await inside(this.hub, 'link', 'set', device, 'up')
    for (const { ns, cable, address } of this.machines) {
      await ip('netns', 'add', ns)
      await inside(this.hub, 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', ns)
      await inside(this.hub, 'link', 'set', cable, 'master', 'switch', 'up')
      await inside(ns, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
      for (const device of ['eth0', 'lo']) await inside(ns, 'link', 'set', device, 'up')
      await inside(ns, 'route', 'add', 'default', 'via', `${NET}.1`)
    }
  }

  /** A computer that reaches the machine of this name and nothing else; the answer is that machine's address for it. */
  async guestOf(name) {
    const ip = (...args) => run('ip', args)
    const { ns } = this.named(name)
    const guest = { name: 'guest', ns: `${this.hub}-guest` }
    await ip('netns', 'add', guest.ns)
    this.machines.push(guest)
    await ip('-n', ns, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', guest.ns)
    for (const [at, device, address] of [[ns, 'eth1', `${OUTSIDE}.1`], [guest.ns, 'eth0', `${OUTSIDE}.2`]]) {
      await ip('-n', at, 'addr', 'add', `${address}/24`, 'dev', device)
      await ip('-n', at, 'link', 'set', device, 'up')
    }
    await ip('-n', guest.ns, 'link', 'set', 'lo', 'up')
    return `${OUTSIDE}.1`
  }

  get registryAddress() {
    return this.reason ? '127.0.0.1' : `${NET}.1`
  }

  named(name) {
    return this.machines.find((machine) => machine.name === name)
  }

  address(name) {
    return this.reason ? '127.0.0.1' : this.named(name).address
  }

  /** What a command line begins with to run on that machine; without a name, beside the registry. */
  on(name) {
    if (this.reason) return []
    return ['ip', 'netns', 'exec', name === undefined ? this.hub : this.named(name).ns]
  }

  /** Pulls the cable. */
  async cut(name, node) {
    if (this.reason) return node.child.kill('SIGSTOP')
    await run('ip', ['-n', this.hub, 'link', 'set', this.named(name).cable, 'down'])
  }

  async mend(name, node) {
    if (this.reason) return node.child.kill('SIGCONT')
    await run('ip', ['-n', this.hub, 'link', 'set', this.named(name).cable, 'up'])
  }

  /** A Chromium that runs on that machine. */
  async chromium(name, folder) {
    if (this.reason) return chromiumPath
    const script = path.join(folder, `chromium-${name}`)
    await writeFile(script, `#!/bin/sh\nexec ${this.on(name).join(' ')} ${chromiumPath} "$@"\n`)
    await chmod(script, 0o755)
    return script
  }

  async close() {
    for (const ns of [...this.machines.map((machine) => machine.ns), this.hub]) {
      await run('ip', ['netns', 'del', ns]).catch(() => {})
    }
  }
}

// Firefox as the distribution has it, driven by Marionette, which every Firefox speaks: Playwright drives only builds of its own.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { until } from './harness.js'

const PROGRAM = process.env.FIREFOX ?? '/usr/bin/firefox-esr'

/** Why there is no Firefox here, or undefined. Ubuntu's own is a snap, which starts in no container and takes no profile from elsewhere. */
export const missing = existsSync(PROGRAM) ? undefined : `${PROGRAM} is not installed: Debian has it as firefox-esr; name another one in FIREFOX`

const PREFERENCES = {
  'marionette.port': 0,
  'media.autoplay.default': 0,
  'media.peerconnection.ice.loopback': true,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'browser.shell.checkDefaultBrowser': false,
  // It would fetch the plugin that has H.264, and does so on people's machines.
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
}

export class Firefox {
  static async launch() {
    const profile = await mkdtemp(path.join(tmpdir(), 'openspace-webrtc-firefox-'))
    const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`)
    await writeFile(path.join(profile, 'user.js'), lines.join('\n'))
    const env = { ...process.env, MOZ_HEADLESS: '1', HOME: profile }
    const child = spawn(PROGRAM, ['--headless', '--marionette', '--no-remote', '--profile', profile], { env, stdio: 'ignore' })
    const port = await until('Firefox to listen', async () => {
      if (child.exitCode !== null) throw new Error(`Firefox ended with ${child.exitCode}`)
      // It is there before its number is in it.
      return Number(await readFile(path.join(profile, 'MarionetteActivePort'), 'utf8')) || undefined
    })
    const firefox = new Firefox(profile, child, await wire(port))
    await firefox.ask('WebDriver:NewSession', {})
    return firefox
  }

  constructor(profile, child, ask) {
    Object.assign(this, { profile, child, ask })
  }

  goto(url) {
    return this.ask('WebDriver:Navigate', { url })
  }

  /** As a page of Playwright has it: a function with one argument, or an expression. */
  async evaluate(what, argument) {
    const script = typeof what === 'function' ? `return (${what})(arguments[0])` : `return ${what}`
    const { value } = await this.ask('WebDriver:ExecuteScript', { script, args: argument === undefined ? [] : [argument], sandbox: null })
    return value
  }

  async close() {
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await ended
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Marionette: `length:[0, id, command, parameters]` there, `length:[1, id, error, result]` back. */
async function wire(port) {
  const socket = connect(port, '127.0.0.1')
  const waiting = new Map()
  let heard = Buffer.alloc(0)
  let greeted
  const greeting = new Promise((resolve) => (greeted = resolve))
  const lost = new Promise((_, reject) => socket.on('close', () => reject(new Error('Firefox hung up'))))
  lost.catch(() => undefined)
  socket.on('error', () => undefined)
  socket.on('data', (data) => {
    heard = Buffer.concat([heard, data])
    for (;;) {
      const colon = heard.indexOf(':')
      const length = Number(heard.subarray(0, colon).toString())
      if (colon < 0 || heard.length < colon + 1 + length) return
      const said = JSON.parse(heard.subarray(colon + 1, colon + 1 + length).toString())
      heard = heard.subarray(colon + 1 + length)
      if (!Array.isArray(said)) greeted()
      else waiting.get(said[1])?.(said)
    }
  })
  await Promise.race([greeting, lost])
  let last = 0
  return (command, parameters) => {
    const id = ++last
    const text = JSON.stringify([0, id, command, parameters])
    const answer = new Promise((resolve, reject) => {
      waiting.set(id, ([, , error, result]) => (error ? reject(new Error(`${command}: ${error.message}`)) : resolve(result)))
    })
    socket.write(`${Buffer.byteLength(text)}:${text}`)
    return Promise.race([answer, lost])
  }
}

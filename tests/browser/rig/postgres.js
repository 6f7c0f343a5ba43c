// A real Postgres of the test's own: a cluster in a temporary folder, gone with the test.

import { execFile, spawn } from 'node:child_process'
import { appendFile, chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

import { freePort, until } from '../harness.js'

const run = promisify(execFile)
// With characters that a URL must escape.
const PASSWORD = 'pass/word@1'
const INSTALLED = '/usr/lib/postgresql'

export class Postgres {
  /** `on` is what its command line begins with; it listens at `address` for that address's network. */
  static async start({ on = [], address = '127.0.0.1' } = {}) {
    const folder = await mkdtemp(path.join(tmpdir(), 'postgres-'))
    const postgres = new Postgres(folder, on, address)
    await postgres.begin()
    return postgres
  }

  constructor(folder, on, address) {
    Object.assign(this, { folder, on, address, data: path.join(folder, 'data'), password: PASSWORD })
  }

  async begin() {
    const { folder, data, address } = this
    const [version] = (await readdir(INSTALLED)).sort((a, b) => Number(b) - Number(a))
    this.bin = path.join(INSTALLED, version, 'bin')
    const secret = path.join(folder, 'secret')
    await writeFile(secret, PASSWORD)
    // It refuses to run as root: there it runs as the user that its package has made.
    this.user = process.getuid() === 0 ? ['runuser', '-u', 'postgres', '--'] : []
    if (this.user.length > 0) {
      const { stdout } = await run('id', ['-u', 'postgres'])
      for (const one of [folder, secret]) await chown(one, Number(stdout), -1)
    }
    await this.call('initdb', ['--auth=scram-sha-256', '--username=postgres', '--encoding=UTF8', '--locale=C', '--no-sync', '--pwfile', secret, data])
    await appendFile(path.join(data, 'pg_hba.conf'), `host all all ${address}/24 scram-sha-256\n`)
    this.port = await freePort()
    const flags = ['-D', data, '-h', address, '-p', String(this.port), '-k', folder, '-c', 'fsync=off']
    const [program, ...args] = [...this.on, ...this.user, path.join(this.bin, 'postgres'), ...flags]
    this.child = spawn(program, args, { stdio: 'ignore' })
    await until('the registry', () => this.sql('SELECT 1', 'postgres').then(() => true))
    await this.sql('CREATE DATABASE openspace', 'postgres')
  }

  get url() {
    return `postgres://postgres:${encodeURIComponent(PASSWORD)}@${this.address}:${this.port}/openspace`
  }

  /** Rows come back as lines, columns parted by `|`. */
  sql(statements, database = 'openspace') {
    return this.call('psql', ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', '-h', this.address, '-p', String(this.port), '-U', 'postgres', '-d', database, '-c', statements])
  }

  async call(name, args) {
    const [program, ...rest] = [...this.on, ...this.user, path.join(this.bin, name), ...args]
    return (await run(program, rest, { env: { ...process.env, PGPASSWORD: PASSWORD }, cwd: '/' })).stdout.trim()
  }

  async close() {
    if (this.child && this.child.exitCode === null) {
      const ended = new Promise((resolve) => this.child.once('exit', resolve))
      await this.call('pg_ctl', ['-D', this.data, '-m', 'immediate', 'stop']).catch(() => this.child.kill('SIGKILL'))
      await ended
    }
    if (existsSync(this.folder)) await rm(this.folder, { recursive: true, force: true })
  }
}

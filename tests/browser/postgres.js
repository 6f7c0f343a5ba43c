// A real Postgres of a story's own: a cluster in a temporary folder, on a free port of this machine, gone with the story.

import { spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { until } from './harness.js'

// With characters that a URL must escape.
const PASSWORD = 'pass/word@1'
const INSTALLED = '/usr/lib/postgresql'

export class Postgres {
  /** With the databases of these names. */
  static async start(databases) {
    const postgres = new Postgres(mkdtempSync(path.join(tmpdir(), 'postgres')), await freePort())
    await postgres.up()
    for (const database of databases) postgres.sql('postgres', `CREATE DATABASE ${database}`)
    return postgres
  }

  constructor(folder, port) {
    Object.assign(this, { folder, port, password: PASSWORD, child: undefined })
  }

  async up() {
    const [data, secret] = ['data', 'secret'].map((name) => path.join(this.folder, name))
    writeFileSync(secret, PASSWORD)
    const { uid, gid } = servant()
    if (uid !== undefined) [this.folder, secret].forEach((name) => chownSync(name, uid, gid))
    const flags = ['--auth=scram-sha-256', '--username=postgres', '--encoding=UTF8', '--locale=C', '--no-sync']
    const made = spawnSync(find('initdb'), [...flags, '--pwfile', secret, data], { uid, gid, cwd: '/' })
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
    const log = openSync(path.join(this.folder, 'log'), 'a')
    const options = ['-D', data, '-h', '127.0.0.1', '-p', String(this.port), '-k', this.folder, '-c', 'fsync=off']
    this.child = spawn(find('postgres'), options, { uid, gid, cwd: '/', stdio: ['ignore', log, log] })
    await until('Postgres', () => this.sql('postgres', 'SELECT 1') === '1')
  }

  /** Rows come back as lines, columns parted by `|`. */
  sql(database, statements) {
    const flags = ['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-U', 'postgres']
    const asked = spawnSync(find('psql'), [...flags, '-p', String(this.port), '-d', database, '-c', statements], {
      env: { ...process.env, PGPASSWORD: PASSWORD },
      encoding: 'utf8',
    })
    if (asked.status !== 0) throw new Error(asked.stderr)
    return asked.stdout.trim()
  }

  async close() {
    if (this.child) {
      const ended = new Promise((resolve) => this.child.once('exit', resolve))
      this.child.kill('SIGQUIT')
      await ended
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Postgres refuses to run as root: there, it runs as the user that its package has made. */
function servant() {
  if (process.getuid() !== 0) return {}
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find((user) => user.startsWith('postgres:'))
  const [, , uid, gid] = (line ?? ':::').split(':').map(Number)
  return line ? { uid, gid } : { uid: 65_534, gid: 65_534 }
}

/** Debian keeps the programs of each version in a folder of its own, out of `PATH`. */
function find(name) {
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED).sort((a, b) => Number(b) - Number(a)) : []
  const places = versions.map((version) => path.join(INSTALLED, version, 'bin', name))
  return places.find((file) => existsSync(file)) ?? name
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

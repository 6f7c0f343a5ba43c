// Says what was measured: a table for people, a file for programs.

import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')

/** Cores, memory, graphics and browser: what figures depend on. */
export async function machine() {
  const cpus = os.cpus()
  const gib = Math.round(os.totalmem() / 2 ** 30)
  const gpu = await run('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader']).then(
    ({ stdout }) => stdout.trim().split('\n').join(', '),
    () => 'no GPU',
  )
  const { stdout } = await run(process.env.CHROMIUM ?? '/usr/bin/chromium', ['--version', '--no-sandbox'])
  const system = (await readFile('/etc/os-release', 'utf8').catch(() => '')).match(/^PRETTY_NAME="?([^"\n]*)/m)?.[1]
  const browser = stdout.trim().split(/\s+/).slice(0, 2).join(' ')
  return `${cpus.length} × ${cpus[0].model.trim()}, ${gib} GiB, ${gpu}, ${system ?? os.type()}, ${browser}`
}

export async function commit() {
  const { stdout } = await run('git', ['-C', root, 'describe', '--always', '--dirty', '--abbrev=12']).catch(() => ({ stdout: 'unknown' }))
  return stdout.trim()
}

/** One figure of a case, to two decimals, beside the one it is compared with. What never came is no figure, and a ratio to nothing is none. */
export function row(figure, name, value, unit, baseline) {
  const rounded = (number) => (Number.isFinite(number) ? Math.round(number * 100) / 100 : null)
  if (baseline === undefined) return { figure, case: name, value: rounded(value), unit }
  const ratio = baseline === 0 ? {} : { ratio: rounded(value / baseline) }
  return { figure, case: name, value: rounded(value), unit, baseline: rounded(baseline), ...ratio }
}

/** `baseline` names what the second column of figures is. */
export function table(rows, baseline = 'plain path') {
  const lines = rows.map(({ figure, case: name, value, unit, baseline, ratio }) => [
    name,
    figure,
    `${shown(value)} ${unit}`,
    baseline === undefined ? '' : `${shown(baseline)} ${unit}`,
    ratio === undefined ? '' : `× ${ratio.toFixed(2)}`,
  ])
  const head = ['case', 'figure', 'ours', baseline, 'ratio']
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i].length)))
  const drawn = (line) => line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')
  return [drawn(head), widths.map((width) => '─'.repeat(width)).join('  '), ...lines.map(drawn)].join('\n')
}

function shown(value) {
  if (value === null) return 'never'
  return Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(1)
}

/** Writes `target/bench/<name>.json` and returns its path. */
export async function save(bench, rows, conditions) {
  const dir = path.join(root, 'target/bench')
  await mkdir(dir, { recursive: true })
  const file = path.join(dir, `${bench}.json`)
  const whole = { bench, commit: await commit(), machine: await machine(), conditions, rows }
  await writeFile(file, `${JSON.stringify(whole, null, 2)}\n`)
  return path.relative(root, file)
}

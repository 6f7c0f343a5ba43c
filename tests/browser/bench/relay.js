// The benchmark `relay`: what it costs a machine that media goes through it, and what that adds for the viewer, beside the direct way in
// the same run.

import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

import { programs } from '../harness.js'
import { row, save, table } from './report.js'

const run = promisify(execFile)
const VIEWERS = [1, 10, 50]

export async function relayBench({ quick, only }) {
  const unknown = only.filter((name) => !VIEWERS.map(String).includes(name))
  if (unknown.length > 0) throw new Error(`there is no case ${unknown.join(', ')}. There are: ${VIEWERS.join(', ')}`)
  const rows = []
  for (const viewers of VIEWERS.filter((viewers) => only.length === 0 || only.includes(String(viewers)))) rows.push(...(await passage(viewers, quick)))
  console.log(`\n${table(rows, 'direct')}\n`)
  console.log(`written to ${await save('relay', rows, { quick })}`)
}

async function passage(viewers, quick) {
  const { stdout } = await run(path.join(programs, 'examples/passage'), [String(viewers), quick ? '6' : '30'])
  const { direct, passed, cpu_pct_per_viewer, us_per_packet } = JSON.parse(stdout)
  console.log(`${viewers} viewers: ${passed.packets} packets passed on, ${cpu_pct_per_viewer.toFixed(2)} % of a core for each viewer; ${passed.delay_p50_ms.toFixed(2)} ms, direct ${direct.delay_p50_ms.toFixed(2)}`)
  const name = String(viewers)
  return [
    row('relay_cpu_pct_per_viewer', name, cpu_pct_per_viewer, '%'),
    row('relay_us_per_packet', name, us_per_packet, 'µs'),
    row('relay_delay_p50', name, passed.delay_p50_ms, 'ms', direct.delay_p50_ms),
    row('relay_delay_p95', name, passed.delay_p95_ms, 'ms', direct.delay_p95_ms),
    row('relay_lost_pct', name, passed.lost_pct, '%', direct.lost_pct),
    row('relay_frames_missing_pct', name, passed.frames_missing_pct, '%', direct.frames_missing_pct),
  ]
}

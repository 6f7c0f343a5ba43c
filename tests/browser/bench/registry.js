// The benchmark `registry`: placements, heartbeats and dead machines against a Postgres of its own. A Rust program measures, with the
// registry's own code; this runs it and says what it found.

import { spawn } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'

import { save, table } from './report.js'

/** A goal is the other column: at least so many placements, at most the rest. */
const GOALS = {
  'placements_per_s 3_placers': 1000,
  'placement_p99_ms 3_placers': 20,
  'double_leases 3_placers': 0,
  'heartbeat_cpu_pct 200': 5,
  'dead_machine_noticed_s 3_misses': 6,
}

export async function registryBench({ quick, only }) {
  if (only.length > 0) throw new Error('the benchmark `registry` has no cases to choose from')
  const load = os.loadavg()[0]
  const rows = (await measured(quick)).map((row) => {
    const baseline = GOALS[`${row.figure} ${row.case}`]
    return baseline === undefined ? row : { ...row, baseline, ratio: baseline === 0 ? undefined : row.value / baseline }
  })
  console.log(`\n${table(rows, 'goal')}\n`)
  console.log(`written to ${await save('registry', rows, { quick, load_before: load, postgres: 'fsync on, on this machine' })}`)
}

function measured(quick) {
  const program = path.join(process.env.OPENSPACE_WEBRTC_PROGRAMS, 'examples/bench')
  const child = spawn(program, quick ? ['--quick'] : [], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = []
  child.stdout.on('data', (data) => said.push(data))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(Buffer.concat(said).toString()))
      else reject(new Error(`the measuring program ended with ${code}`))
    })
  })
}

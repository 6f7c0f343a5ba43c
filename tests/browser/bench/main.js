// `./scripts/bench [name…] [--quick] [--case NAME]…`: the door to all benchmarks.

import { parseArgs } from 'node:util'

import { latencyBench } from './latency.js'

const BENCHES = { latency: latencyBench }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, case: { type: 'string', multiple: true, default: [] } },
})
const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals
const unknown = names.filter((name) => !(name in BENCHES))
if (unknown.length > 0) {
  console.error(`bench: there is no benchmark ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}`)
  process.exit(2)
}
for (const name of names) await BENCHES[name]({ quick: values.quick, only: values.case })

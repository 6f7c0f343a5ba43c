// `./scripts/bench [name…] [--quick] [--case NAME]…`: the door to all benchmarks.

import { parseArgs } from 'node:util'

import { classBench } from './class.js'
import { gpuBench } from './gpu.js'
import { latencyBench } from './latency.js'
import { launchBench } from './launch.js'
import { registryBench } from './registry.js'
import { relayBench } from './relay.js'
import { peersBench } from './peers.js'
import { soakBench } from './soak.js'
import { soundBench } from './sound.js'
import { streamBench } from './stream.js'

const BENCHES = {
  latency: latencyBench,
  launch: launchBench,
  stream: streamBench,
  class: classBench,
  peers: peersBench,
  registry: registryBench,
  relay: relayBench,
  gpu: gpuBench,
  sound: soundBench,
  soak: soakBench,
}

const { values, positionals } = read()
// An hour is only spent where it is asked for.
const names = positionals.length === 0 ? Object.keys(BENCHES).filter((name) => name !== 'soak') : positionals
const unknown = names.filter((name) => !(name in BENCHES))
if (unknown.length > 0) {
  console.error(`bench: there is no benchmark ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}`)
  process.exit(2)
}
try {
  for (const name of names) await BENCHES[name]({ quick: values.quick, only: values.case })
} catch (error) {
  console.error(`bench: ${error.message}`)
  process.exitCode = 1
}

function read() {
  const options = { quick: { type: 'boolean', default: false }, case: { type: 'string', multiple: true, default: [] } }
  try {
    return parseArgs({ allowPositionals: true, options })
  } catch (error) {
    console.error(`bench: ${error.message}`)
    process.exit(2)
  }
}

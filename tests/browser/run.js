// Runs the unit tests and the stories, file after file: `node run.js [--second-try] [FILE…]`. With `--second-try` a file in which something
// failed is run once more, and what passes then is counted, and named, as flaky: on a busy machine one late frame among a thousand
// steps is news for whoever looks after the tests, but no reason to refuse a change.

import { readdirSync } from 'node:fs'
import path from 'node:path'
import { run } from 'node:test'
import { tap } from 'node:test/reporters'

const HERE = import.meta.dirname
const FOLDERS = ['unit', 'stories']
/** Of a whole file, with all its stories: what still runs then is cut off, and what came before it is not told. */
const TIMEOUT_MS = 600_000

const given = process.argv.slice(2)
const twice = given.includes('--second-try')
const named = given.filter((word) => !word.startsWith('--')).map((file) => path.resolve(file))

const first = await tried(named.length > 0 ? named : all())
const again = twice && first.failed.size > 0 ? await tried([...first.failed.keys()]) : undefined
const last = again ?? first
const flaky = [...first.failed].flatMap(([file, names]) => (last.failed.has(file) ? [] : names))
const failed = [...last.failed.values()].flat()
for (const name of flaky) console.log(`# only at the second try: ${name}`)
for (const name of failed) console.log(`# failed: ${name}`)
console.log(`# pass ${first.passed + flaky.length}\n# fail ${failed.length}\n# flaky ${flaky.length}`)
process.exitCode = failed.length > 0 ? 1 : 0

function all() {
  return FOLDERS.flatMap((folder) =>
    readdirSync(path.join(HERE, folder))
      .filter((name) => name.endsWith('.test.js'))
      .sort()
      .map((name) => path.join(HERE, folder, name)),
  )
}

/** What came of running these files: how many tests passed, and which failed, by file. */
async function tried(files) {
  const failed = new Map()
  let passed = 0
  const results = run({ files, concurrency: 1, timeout: TIMEOUT_MS })
  results.on('test:pass', ({ nesting }) => (passed += nesting === 0 ? 1 : 0))
  results.on('test:fail', ({ nesting, name, file }) => {
    if (nesting === 0) failed.set(file, [...(failed.get(file) ?? []), name])
  })
  for await (const line of tap(ofTests(results))) process.stdout.write(line)
  return { passed, failed }
}

/** Without the closing counts of one run, which are not those of the whole. */
async function* ofTests(results) {
  for await (const event of results) {
    if (event.type !== 'test:diagnostic' || event.data.file !== undefined) yield event
  }
}

// What a viewer saw on a bad network, as figures.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ageOf, longestGapMs, rateBackS, recoveredS } from '../bench/network.js'

/** A frame every 33 ms from one moment to another. */
const frames = (from, to, age) => Array.from({ length: Math.floor((to - from) / 33) }, (_, i) => ({ at: from + i * 33, age }))

test('a gap reaches to the ends of the window', () => {
  const seen = frames(1000, 2000, 40).map(({ at }) => at)
  assert.equal(longestGapMs(seen, 0, 2000), 1000)
  assert.equal(Math.round(longestGapMs(seen, 1000, 4000) / 100), 20)
  assert.equal(longestGapMs([], 0, 500), 500)
})

test('recovered is what stays so for a second', () => {
  const seen = [...frames(0, 500, 400), ...frames(500, 900, 50), ...frames(900, 1500, 400), ...frames(1500, 4000, 50)]
  assert.ok(Math.abs(recoveredS(seen, 0, 100) - 1.5) < 0.05)
  assert.ok(Number.isNaN(recoveredS(seen, 0, 20)))
})

test('the rate is back when three readings say so', () => {
  let bytes = 0
  const readings = Array.from({ length: 40 }, (_, i) => ({ at: i * 250, bytes: (bytes += i < 20 ? 10_000 : 150_000) }))
  const back = rateBackS(readings, 4000, 4000)
  assert.ok(back > 1 && back < 2, `${back}`)
  assert.ok(Number.isNaN(rateBackS(readings, 4000, 9000)))
})

test('ages are those of the window', () => {
  const seen = [...frames(0, 1000, 10), ...frames(1000, 2000, 90)]
  assert.equal(ageOf(seen, 0.5, 1000, 2000), 90)
})

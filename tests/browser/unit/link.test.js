// The networks of the rig do what their profiles say.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Link } from '../rig/link.js'
import { PROFILES } from '../rig/profiles.js'

/** Sends `kbps` in packets of 1000 bytes for so long; returns when each arrived. */
function send(link, kbps, seconds, fromMs = 0) {
  const packets = Math.round((kbps * seconds) / 8)
  return Array.from({ length: packets }, (_, i) => {
    const sentMs = fromMs + (i * 8000) / kbps
    return { sentMs, at: link.carry(sentMs, 1000) }
  })
}

const share = (sent) => sent.filter(({ at }) => at !== null).length / sent.length

test('what the rate carries passes, delayed by the path and no more', () => {
  const sent = send(new Link({ ...PROFILES.hotel, loss: 0, jitter_ms: 0 }), 10_000, 5)
  assert.equal(share(sent), 1)
  for (const { sentMs, at } of sent) assert.ok(at - sentMs < 27, `${at - sentMs}`)
})

test('what is over the rate waits, and is dropped when the queue is full', () => {
  const link = new Link({ ...PROFILES.mobile, loss: 0, jitter_ms: 0 })
  const sent = send(link, 4_000, 10)
  assert.ok(Math.abs(share(sent) - 0.5) < 0.03, `${share(sent)}`)
  const waited = sent.filter(({ at }) => at !== null).map(({ sentMs, at }) => at - sentMs - 50)
  assert.ok(Math.max(...waited) > 190 && Math.max(...waited) < 210)
  assert.equal(link.counts.lost, 0)
})

test('a step is followed, and its clock begins when it is told to', () => {
  const link = new Link({ ...PROFILES.step, jitter_ms: 0 }, { startMs: 0 })
  assert.deepEqual([link.kbps(9_999), link.kbps(10_000), link.kbps(25_000)], [5_000, 500, 5_000])
  link.restart(100_000)
  assert.equal(link.kbps(100_500), 5_000)
})

test('a policer lets a burst pass and drops what is over its rate, and a route that changes is longer from then on', () => {
  const link = new Link(PROFILES.policed)
  const burst = Array.from({ length: 80 }, () => link.carry(1_000, 1000))
  const passed = burst.filter((at) => at !== null).length
  assert.ok(passed >= 60 && passed <= 62, `${passed}`)
  const longer = send(new Link(PROFILES.longer), 1_000, 12).map(({ sentMs, at }) => Math.round(at - sentMs))
  assert.deepEqual([longer[0], longer.at(-1)], [20, 100])
})

test('in a tunnel nothing passes, and the same seed loses the same packets', () => {
  const run = (seed) => send(new Link(PROFILES.train, { seed }), 1_000, 20).map(({ at }) => at)
  const passed = run(7)
  const tunnel = passed.slice(9 * 125, 10 * 125)
  assert.ok(tunnel.every((at) => at === null))
  assert.ok(passed[8 * 125] !== null)
  assert.deepEqual(run(7), passed)
  assert.notDeepEqual(run(8), passed)
})

test('packets arrive in order but for those that are to be reordered', () => {
  const arrivals = (reorder) => {
    const link = new Link({ ...PROFILES.wifi, loss: 0, reorder })
    return send(link, 5_000, 5).map(({ at }) => at)
  }
  const late = (times) => times.filter((at, i) => i > 0 && at < times[i - 1]).length
  assert.equal(late(arrivals(0)), 0)
  assert.ok(late(arrivals(0.05)) > 0)
})

// The arithmetic behind the benchmark's figures.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bySeconds, cores, parseBusy, parseStat } from '../bench/cpu.js'
import { drawings, drawn } from '../bench/draws.js'
import { counted, latency, median, quantile, rows } from '../bench/figures.js'
import { table } from '../bench/report.js'

test('a quantile lies between its neighbours, and the order of the values does not matter', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
  assert.equal(quantile([10, 0], 0.95), 9.5)
  assert.equal(quantile(Array.from({ length: 101 }, (_, i) => 100 - i), 0.95), 95)
  assert.ok(Number.isNaN(median([])))
})

test('numbers are ordered as numbers, not as words', () => {
  assert.equal(median([100, 9, 20]), 20)
})

test('frames are counted by the gaps of their counter; repeats are no frames, and the counter wraps', () => {
  assert.deepEqual(counted([1, 2, 3, 4, 5]), { drawn: 4, seen: 4 })
  assert.deepEqual(counted([1, 2, 2, 3]), { drawn: 2, seen: 2 })
  assert.deepEqual(counted([1, 2, 4, 3, 5]), { drawn: 4, seen: 3 })
  assert.deepEqual(counted([2 ** 24 - 1, 0, 2]), { drawn: 3, seen: 2 })
  assert.deepEqual(counted([7]), { drawn: 0, seen: 0 })
})

test('a frame that was decoded and not shown is lost to the viewer, yet not on the way', () => {
  const at = 1_800_000_000_000
  const samples = [0, 1, 3, 4].map((frame) => ({ at: at + frame * 33, t: (at * 10 + frame * 330) % 2 ** 32, frame }))
  const figures = latency(samples, 4)
  assert.deepEqual([figures.frames_lost_pct, figures.frames_not_decoded_pct], [25, 0])
  assert.equal(latency(samples, 2).frames_not_decoded_pct, 50)
})

test('a frame that is shown twice counts once, when it was first seen', () => {
  const at = 1_800_000_000_000
  const t = (at * 10) % 2 ** 32
  const figures = latency([
    { at: at + 10, t, frame: 1 },
    { at: at + 30, t, frame: 1 },
    { at: at + 60, t: t + 400, frame: 2 },
  ])
  assert.equal(figures.glass_to_glass_p50, 15)
  assert.equal(figures.frames_lost_pct, 0)
  assert.equal(Math.round(figures.frames_per_s), 20)
})

test('a row holds the median of the rounds, the plain path’s and their ratio', () => {
  const ours = [{ glass: 10 }, { glass: 20 }]
  const plain = [{ glass: 60 }, { glass: 60 }]
  assert.deepEqual(rows('720p30', ours, plain, { glass: 'ms' }), [
    { figure: 'glass', case: '720p30', value: 15, unit: 'ms', baseline: 60, ratio: 0.25 },
  ])
  assert.deepEqual(rows('a', ours, [{}], { glass: 'ms', absent: 'ms' }), [{ figure: 'glass', case: 'a', value: 15, unit: 'ms' }])
})

test('a process name with spaces and brackets does not shift the fields', () => {
  const line = '42 (Web (x) Content) S 7 42 42 0 -1 4194304 1 0 0 0 250 150 0 0 20 0 9 0 1 2 3'
  assert.deepEqual(parseStat(line), { pid: 42, name: 'Web (x) Content', parent: 7, seconds: 4 })
})

test('a process belongs to the nearest root above it, and X servers are a group of their own', () => {
  const process = (pid, parent, name = 'p') => ({ pid, parent, name, seconds: 1 })
  const processes = [process(1, 0), process(10, 1), process(11, 10), process(12, 10, 'Xvfb'), process(13, 10), process(14, 13), process(20, 1)]
  assert.deepEqual(bySeconds(processes, new Map([[10, 'streamer'], [13, 'app']])), { streamer: 2, xvfb: 1, app: 2 })
  assert.deepEqual(cores({ app: 2 }, { app: 5, xvfb: 1 }, 2), { app: 1.5, xvfb: 0.5 })
})

test('waiting is not work', () => {
  assert.equal(parseBusy('cpu  100 200 300 9000 800 50 50 0 70 0\ncpu0 1 1 1 1 1 1 1 0 0 0\n'), 7)
})

test('the table lines up, also where there is no plain path', () => {
  const lines = table([
    { figure: 'glass_to_glass_p50', case: '720p30', value: 12.3, unit: 'ms', baseline: 58, ratio: 0.21 },
    { figure: 'click_to_first_frame_p50', case: 'warm', value: 480, unit: 'ms' },
  ]).split('\n')
  assert.equal(new Set(lines.map((line) => line.length)).size, 1)
  assert.match(lines[2], /12\.3 ms +58\.0 ms +× 0\.21$/)
})

test('what is handed to the compositor is seen with the next drawing that begins', () => {
  const event = (ph, ts, name = 'Graphics.Pipeline.DrawAndSwap') => ({ name, ph, ts })
  const draws = drawings([event('b', 36_000), event('b', 20_000), event('e', 24_000), event('b', 21_000, 'Other')], -10)
  assert.deepEqual(draws, [10, 26])
  assert.deepEqual([9, 10, 10.1, 26].map((handed) => drawn(draws, handed)), [10, 10, 26, 26])
  assert.ok(Number.isNaN(drawn(draws, 27)))
})

// From what a viewer saw through a shaped network to figures. Pure. Times are Unix milliseconds, `from` is where a disturbance ended.

import { ageMs } from '../barcode.js'
import { quantile } from './figures.js'

/** A stream has recovered when for so long every frame is in time. */
const STEADY_MS = 1000

/** Each new frame once: when it was shown, and how old it was. */
export function readable(samples) {
  const first = samples.filter(({ frame }, i) => i === 0 || frame !== samples[i - 1].frame)
  return first.map(({ at, t }) => ({ at, age: ageMs(t, at) }))
}

/** The longest time without a frame between two moments; `times` is when frames were shown. */
export function longestGapMs(times, from, to) {
  const within = [from, ...times.filter((at) => at > from && at < to), to]
  return Math.max(...within.slice(1).map((at, i) => at - within[i]))
}

export function ageOf(frames, q, from, to) {
  return quantile(frames.filter(({ at }) => at >= from && at < to).map(({ age }) => age), q)
}

/** Seconds from a moment until frames come in time again and go on to; NaN is never. */
export function recoveredS(frames, from, ageLimitMs, gapLimitMs = 200) {
  const after = frames.filter(({ at }) => at >= from)
  for (let start = 0; start < after.length; start++) {
    let end = start
    while (end < after.length && after[end].age <= ageLimitMs && (end === start || after[end].at - after[end - 1].at <= gapLimitMs)) {
      if (after[end].at - after[start].at >= STEADY_MS) return (after[start].at - from) / 1000
      end += 1
    }
    start = end
  }
  return Number.NaN
}

/** kbit/s between the readings `{at, bytes}`; each belongs to the later one. */
export function rates(readings) {
  return readings.slice(1).map(({ at, bytes }, i) => ({ at, kbps: ((bytes - readings[i].bytes) * 8) / (at - readings[i].at) }))
}

/** Seconds from a moment until so much arrives again, over three readings; NaN is never. */
export function rateBackS(readings, from, kbps) {
  const after = rates(readings).filter(({ at }) => at >= from)
  for (let i = 2; i < after.length; i++) {
    const mean = (after[i].kbps + after[i - 1].kbps + after[i - 2].kbps) / 3
    if (mean >= kbps) return (after[i].at - from) / 1000
  }
  return Number.NaN
}

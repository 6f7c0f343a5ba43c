// From what was measured to figures. Pure.

import { ageMs } from '../barcode.js'

/** The barcode's frame counter wraps here. */
const FRAMES_WRAP = 2 ** 24

/** The value that a part `q` of all values does not exceed, interpolated between its neighbours. */
export function quantile(values, q) {
  if (values.length === 0) return Number.NaN
  const sorted = Float64Array.from(values).sort()
  const place = (sorted.length - 1) * q
  const below = Math.floor(place)
  const above = Math.ceil(place)
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below)
}

export function median(values) {
  return quantile(values, 0.5)
}

/** Frames that the program drew from the first to the last of these counter values, and how many of them were seen. */
export function counted(frames) {
  let drawn = 0
  let seen = 0
  let newest = frames[0]
  for (const frame of frames) {
    const step = (frame - newest + FRAMES_WRAP) % FRAMES_WRAP
    // The same picture sent once more is no new frame, and a step back is a repeat of an older one.
    if (step === 0 || step > FRAMES_WRAP / 2) continue
    drawn += step
    seen += 1
    newest = frame
  }
  return { drawn, seen }
}

/**
 * What one window of samples `{at, t, frame}` says; `at` is Unix time in milliseconds. Each frame counts once, when it was first seen.
 * A frame is lost when it was never shown; `frames_not_decoded_pct` of all did not even reach the browser's decoder.
 */
export function latency(samples, decoded = Number.NaN) {
  const first = samples.filter((sample, i) => i === 0 || sample.frame !== samples[i - 1].frame)
  const ages = first.map(({ t, at }) => ageMs(t, at))
  const seconds = samples.length < 2 ? Number.NaN : (samples.at(-1).at - samples[0].at) / 1000
  const { drawn, seen } = counted(samples.map(({ frame }) => frame))
  const missing = (there) => (Math.max(0, drawn - there) / drawn) * 100
  return {
    glass_to_glass_p50: median(ages),
    glass_to_glass_p95: quantile(ages, 0.95),
    frames_lost_pct: missing(seen),
    frames_not_decoded_pct: missing(decoded),
    frames_per_s: (first.length - 1) / seconds,
  }
}

/** One row per figure: the median over the rounds, and the plain path's beside it where both have it. */
export function rows(name, product, plain, units) {
  return Object.entries(units).flatMap(([figure, unit]) => {
    const over = (rounds) => median(rounds.map((round) => round[figure]).filter(Number.isFinite))
    const value = over(product)
    if (!Number.isFinite(value)) return []
    const baseline = over(plain)
    const row = { figure, case: name, value: rounded(value), unit }
    if (!Number.isFinite(baseline)) return [row]
    return [{ ...row, baseline: rounded(baseline), ...(baseline > 0 ? { ratio: rounded(value / baseline) } : {}) }]
  })
}

function rounded(value) {
  return Math.round(value * 1000) / 1000
}

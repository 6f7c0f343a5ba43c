// One direction of a network: rate, delay, jitter, loss, reordering, a bucket for bursts, a queue that drops its tail, outages. Pure:
// time is an argument, chance is a seed.

/** mulberry32: the same seed is the same network. */
export function chance(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export class Link {
  /** A profile is a row of tests/networks.json; its seconds count from `startMs`. */
  constructor(profile, { seed = 1, startMs = 0 } = {}) {
    Object.assign(this, { profile, startMs, random: chance(seed) })
    /** When the wire is free again, and when the last packet arrives: radios delay, and seldom overtake. */
    this.freeMs = 0
    this.newestMs = 0
    this.counts = { passed: 0, lost: 0, dropped: 0 }
  }

  /** The profile's clock begins now. */
  restart(startMs) {
    this.startMs = startMs
  }

  /** What a row of steps has come to. */
  at(steps, nowMs) {
    const second = (nowMs - this.startMs) / 1000
    return (steps.findLast(([from]) => second >= from) ?? steps[0])[1]
  }

  kbps(nowMs) {
    return this.at(this.profile.kbps, nowMs)
  }

  isOut(nowMs) {
    const every = this.profile.outage_every_s
    return every !== null && Math.floor((nowMs - this.startMs) / 1000) % every === every - 1
  }

  /** How long what waits now takes to leave. */
  queueMs(nowMs) {
    return Math.max(0, this.freeMs - nowMs)
  }

  /** When a packet of so many bytes arrives; `null` is never. */
  carry(nowMs, bytes) {
    const { loss, reorder, queue_ms: queueMs, bucket_bytes: bucketBytes, jitter_ms: jitterMs } = this.profile
    if (this.isOut(nowMs) || this.random() < loss) {
      this.counts.lost += 1
      return null
    }
    if (this.queueMs(nowMs) > queueMs) {
      this.counts.dropped += 1
      return null
    }
    const bytesPerMs = this.kbps(nowMs) / 8
    // What was not used lately is a burst that passes at once.
    this.freeMs = Math.max(this.freeMs, nowMs - bucketBytes / bytesPerMs) + bytes / bytesPerMs
    this.counts.passed += 1
    const sentMs = Math.max(this.freeMs, nowMs)
    const arrivesMs = sentMs + this.at(this.profile.delay_ms, nowMs) + jitterMs * this.random() ** 2
    if (this.random() < reorder) return arrivesMs
    this.newestMs = Math.max(this.newestMs, arrivesMs)
    return this.newestMs
  }
}

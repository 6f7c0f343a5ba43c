// Networks by name, as the simulations of `streaming` know them. Rates are towards the viewer; `up_kbps` is the way back.

const plain = (kbps, delayMs) => ({
  steps: [[0, kbps]],
  upKbps: kbps,
  delayMs,
  jitterMs: 0,
  loss: 0,
  reorder: 0,
  queueMs: 200,
  bucketBytes: 3000,
  outageEveryS: null,
})

export const PROFILES = {
  lan: plain(1_000_000, 0.2),
  wifi: { ...plain(40_000, 3), jitterMs: 12, loss: 0.005, reorder: 0.002 },
  hotel: { ...plain(15_000, 25), upKbps: 3_000, jitterMs: 3, loss: 0.003 },
  step: { ...plain(5_000, 20), steps: [[0, 5_000], [10, 500], [25, 5_000]] },
  mobile: { ...plain(2_000, 50), jitterMs: 8, loss: 0.02 },
  /** A cable that is pulled. */
  dead: { ...plain(1_000, 1), loss: 1 },
  train: { ...plain(5_000, 35), jitterMs: 4, loss: 0.005, outageEveryS: 10 },
}

// Runs in the page before anything else of it, as a classic script after `readBarcode`: notes for each shown frame what its barcode says
// and when the browser handed it to its compositor, and for each press when it was made and when its effect was handed over.
//
// Not when the page heard of the frame: that waits for the next turn of the page's own thread, up to a sixtieth of a second, which the
// picture itself does not (in a trace of Chromium's, it was drawn 1 ms after it was handed over while the page heard of it 13 ms later).

/* global readBarcode */
;(() => {
  const bench = { samples: [], shown: [], unreadable: 0, firstMs: null, presses: [], input: null, recording: false, peers: [] }
  window.bench = bench
  let pressed = null

  // The page's own clock runs evenly but is set once; the barcode's is the system's. Their difference is found at turns of the millisecond.
  let offset = 0
  function setClock() {
    const offsets = []
    for (let i = 0; i < 8; i++) {
      const before = Date.now()
      let now = before
      while (now === before) now = Date.now()
      offsets.push(now - (performance.timeOrigin + performance.now()))
    }
    offset = offsets.sort((a, b) => a - b)[offsets.length >> 1]
  }

  const unix = (ms) => performance.timeOrigin + ms + offset

  const Peer = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Peer {
    constructor(...args) {
      super(...args)
      bench.peers.push(this)
    }
  }

  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d', { willReadFrequently: true })

  // Only the strip with the barcode is copied: reading must cost as little as can be, since it happens in the measured browser.
  function read(source) {
    const width = source.videoWidth ?? source.width
    const height = Math.min(source.videoHeight ?? source.height, Math.ceil(width / 60) * 2 + 2)
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
    context.drawImage(source, 0, 0, width, height, 0, 0, width, height)
    return readBarcode(context.getImageData(0, 0, width, height), width, height)
  }

  // A page may hold several canvases and videos, and go over from one to another: all are read, and what stands still says nothing new.
  const selector = window.benchSource ?? 'video#stream'
  const last = new Map()

  function find() {
    for (const source of document.querySelectorAll(selector)) {
      if (last.has(source)) continue
      last.set(source, null)
      if (source instanceof HTMLVideoElement) source.requestVideoFrameCallback((_, frame) => onVideoFrame(source, frame))
      else onAnimationFrame(source)
    }
    if (bench.firstMs === null || window.benchSource) requestAnimationFrame(find)
  }

  function isNew(source, bar) {
    if (!bar) return last.get(source) !== null || source instanceof HTMLVideoElement
    const before = last.get(source)
    last.set(source, bar.frame)
    return before !== bar.frame
  }

  function onVideoFrame(video, { presentationTime }) {
    note(video, Math.min(presentationTime, performance.now()))
    video.requestVideoFrameCallback((_, frame) => onVideoFrame(video, frame))
  }

  // Who paints on a canvas tells nobody when: what is there is looked at whenever the browser shows something.
  function onAnimationFrame(source) {
    if (source.width > 0 && source.height > 0) note(source, performance.now())
    if (source.isConnected) requestAnimationFrame(() => onAnimationFrame(source))
  }

  function note(source, handed) {
    const bar = read(source)
    if (!isNew(source, bar)) return
    // Also of a picture so poor that its barcode cannot be read.
    if (bench.recording) bench.shown.push(unix(handed))
    if (bar) {
      bench.firstMs ??= handed
      bench.input = bar.input
      if (bench.recording) bench.samples.push({ at: unix(handed), t: bar.t, frame: bar.frame })
      if (pressed && bar.input !== pressed.input) {
        bench.presses.push({ from: pressed.at, to: handed })
        pressed = null
      }
    } else if (bench.recording) {
      bench.unreadable += 1
    }
  }

  // The time at which the browser got the event, so that its way into the page counts too.
  window.addEventListener('pointerdown', (event) => (pressed = { at: event.timeStamp, input: bench.input }), true)

  bench.begin = () => {
    setClock()
    Object.assign(bench, { samples: [], shown: [], unreadable: 0, recording: true })
  }
  bench.end = () => {
    bench.recording = false
    return { samples: bench.samples, shown: bench.shown, unreadable: bench.unreadable, origin: unix(0) }
  }
  bench.pressWaits = () => pressed !== null
  bench.forgetPress = () => (pressed = null)
  async function inbound(field) {
    for (const peer of bench.peers.filter((peer) => peer.connectionState === 'connected')) {
      for (const report of (await peer.getStats()).values()) {
        if (report.type === 'inbound-rtp' && report.kind === 'video') return report[field]
      }
    }
    return null
  }
  // Also frames that the compositor had no time to show.
  bench.framesDecoded = () => inbound('framesDecoded')
  bench.bytesReceived = () => inbound('bytesReceived')

  find()
})()

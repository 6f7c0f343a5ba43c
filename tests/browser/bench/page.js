// What every benchmark does with the stream page.

import { until } from '../harness.js'

/** Whose browser it is, before the page looks: it would ask for a session of its own. */
export function belongTo(chromium, url, session) {
  const { origin } = new URL(url)
  return chromium.atStart(`location.origin === '${origin}' && (localStorage.session_id = ${JSON.stringify(session)})`)
}

export function untilPicture(chromium) {
  return until('the picture', () => chromium.evaluate("document.querySelector('video#stream')?.videoWidth > 0"))
}

/** So far, by what the browser says itself. */
export function framesDecoded(chromium) {
  return chromium.evaluate("document.querySelector('video#stream').getVideoPlaybackQuality().totalVideoFrames")
}

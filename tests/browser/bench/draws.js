// When the browser's compositor drew, by the browser's own trace.
//
// The beginning of the drawing counts: how long it takes is a matter of the machine's graphics (a processor alone takes some 3 ms), not
// of what is compared here.

const MARK = 'bench clock'

export class Draws {
  static async begin(chromium) {
    await chromium.beginTrace(['viz', 'blink.user_timing'])
    // By this the trace's clock is tied to the page's.
    return new Draws(chromium, await chromium.evaluate(`performance.mark('${MARK}').startTime`))
  }

  constructor(chromium, markMs) {
    Object.assign(this, { chromium, markMs })
  }

  /** When each drawing began, in milliseconds of the page's clock, in order. */
  async end() {
    const events = await this.chromium.endTrace()
    const mark = events.find(({ name }) => name === MARK)
    if (!mark) throw new Error('the trace of the browser lacks the mark that ties its clock to the page’s')
    return drawings(events, this.markMs - mark.ts / 1000)
  }
}

/** `offsetMs` goes from the trace's clock to the page's. Pure. */
export function drawings(events, offsetMs) {
  const begin = events.filter(({ name, ph }) => name === 'Graphics.Pipeline.DrawAndSwap' && ph === 'b')
  return begin.map(({ ts }) => ts / 1000 + offsetMs).toSorted((a, b) => a - b)
}

/** When something was drawn that was handed to the compositor then: the first drawing that began afterwards. Pure. */
export function drawn(draws, handedMs) {
  return draws.find((began) => began >= handedMs) ?? Number.NaN
}

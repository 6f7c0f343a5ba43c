// People at one scene: who launches it, who is invited, and the bar that they steer it with.

import { invite, launch, person, until, untilPhase } from '../harness.js'

export async function launched(browser, node, options) {
  const viewer = await person(browser, options)
  const id = await launch(viewer.page, node.url)
  await bar(viewer.page).waitFor({ state: 'attached' })
  return { ...viewer, id }
}

export async function invited(browser, owner, id, role) {
  const viewer = await person(browser)
  await viewer.page.goto(await invite(owner.page, id, role))
  await untilPhase(viewer.page, 'live')
  await bar(viewer.page).waitFor({ state: 'attached' })
  return viewer
}

export const bar = (page) => page.locator('[data-scene-bar]')

/** The bar comes when the pointer is near the lower edge. */
export const wake = (page) => wakeAt(page, page.viewportSize().height - 8, '[data-scene-bar]')

/** The bar of the stream comes when the pointer is at the upper edge. */
export const wakeTop = (page) => wakeAt(page, 5, '[data-bar]')

async function wakeAt(page, y, bar) {
  const { width, height } = page.viewportSize()
  await page.mouse.move(width / 2, height / 2)
  await page.mouse.move(width / 2, y)
  await stir(page, bar)
  await until(`the bar ${bar}`, async () => (await page.locator(bar).getAttribute('data-shown')) === 'true')
}

/** A bar leaves a pointer that rests for a few seconds, which a busy machine takes between two steps of a story: for a while it is not quite still. */
export const stir = (page, bar) =>
  page.evaluate((bar) => {
    const until = performance.now() + 20_000
    const timer = setInterval(() => {
      document.querySelector(bar)?.dispatchEvent(new PointerEvent('pointermove', { bubbles: true }))
      if (performance.now() > until) clearInterval(timer)
    }, 500)
  }, bar)
